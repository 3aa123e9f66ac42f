/** Work in the background: warm, scrub and gc are started here, looked at and cancelled. */
import { api } from './api.js'
import { openDialog } from './dialog.js'
import { find, h, onAction, patch } from './dom.js'
import { formatBytes, formatCount, formatDuration } from './format.js'
import { tell, tellError } from './notice.js'
import { bar, button, nothing, pill, showProblem, time } from './parts.js'
import { Poll } from './poll.js'

/** @typedef {import('./wire.d.ts').Job} Job */

/** Between two looks, in milliseconds: while something runs, and else. */
const BUSY_MS = 1_500
const IDLE_MS = 15_000
/** Most parts of a job that are shown. */
const MAX_ITEMS = 100
/** Most jobs that are shown. */
const MAX_JOBS = 20

const TITLES = { warm: 'Warm', scrub: 'Scrub', gc: 'Collect garbage' }
const TONES = /** @type {const} */ ({ running: 'plain', done: 'good', failed: 'bad', cancelled: 'warn' })

/** @param {Job} job */
const progressOf = ({ progress: { done, total, bytes, totalBytes } }) => {
  if (total === 0) return 'nothing to do'
  const things = total === undefined ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`
  const size =
    totalBytes === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`
  return bytes > 0 || (totalBytes ?? 0) > 0 ? `${things} · ${size}` : things
}

/** How far it is: by bytes where they are known, else by things. @param {Job} job */
const barOf = ({ kind, progress: { done, total, bytes, totalBytes } }) =>
  totalBytes === undefined
    ? bar(`Progress of ${TITLES[kind]}`, done, total)
    : bar(`Progress of ${TITLES[kind]}`, bytes, totalBytes)

/** A field's name as words: `freedBytes` → freed, `isDryRun` → dry run. @param {string} name */
const toWords = (name) =>
  name
    .replace(/Bytes$/, '')
    .replace(/^is(?=[A-Z])/, '')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim()

/** @param {unknown} value @param {string} name */
const toText = (value, name) => {
  if (typeof value === 'number')
    return name.toLowerCase().endsWith('bytes') ? formatBytes(value) : formatCount(value)
  if (Array.isArray(value)) return formatCount(value.length)
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
}

/** What it came to. @param {Job} job */
const resultOf = ({ result }) =>
  typeof result === 'object' && result !== null
    ? h(
        'dl',
        { class: 'facts' },
        ...Object.entries(result)
          // Its times are those of the job.
          .filter(
            ([name, value]) => !name.endsWith('At') && (typeof value !== 'object' || Array.isArray(value)),
          )
          .map(([name, value]) => h('div', {}, h('dt', {}, toWords(name)), h('dd', {}, toText(value, name)))),
      )
    : undefined

/** @param {NonNullable<Job['items']>} items */
const itemList = (items) =>
  h(
    'ul',
    { class: 'items', tabindex: '0', 'aria-label': 'Parts' },
    ...items
      .slice(0, MAX_ITEMS)
      .map(({ name, state, error }) =>
        h(
          'li',
          {},
          name,
          ' ',
          pill(state, state === 'failed' ? 'bad' : state === 'done' ? 'good' : 'plain'),
          error !== undefined && ` ${error}`,
        ),
      ),
  )

/** @param {Job} job @param {Job | undefined} detail */
const row = (job, detail) => {
  const { id, kind, state, startedAt, endedAt, error } = job
  const isRunning = state === 'running'
  const took =
    endedAt === undefined ? '' : ` · took ${formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}`
  return h(
    'li',
    { 'data-key': id },
    h(
      'div',
      { class: 'head' },
      h('p', { class: 'name' }, h('b', {}, TITLES[kind] ?? kind)),
      pill(state, TONES[state] ?? 'plain'),
    ),
    isRunning && barOf(job),
    h('p', { class: 'note' }, progressOf(job), ' · started ', time(startedAt), took),
    error !== undefined && h('p', { class: 'problem' }, error),
    resultOf(job),
    h(
      'p',
      { class: 'actions' },
      isRunning &&
        button('Cancel', 'cancel', { id }, { 'aria-label': `Cancel ${TITLES[kind]}`, 'data-key': 'cancel' }),
      kind === 'warm' &&
        button(
          detail === undefined ? 'Parts' : 'Hide parts',
          'parts',
          { id },
          { 'aria-expanded': String(detail !== undefined), 'data-key': 'parts' },
        ),
    ),
    detail !== undefined &&
      (detail.items === undefined ? nothing('It has no parts yet.') : itemList(detail.items)),
  )
}

/** The list of jobs. */
class Jobs {
  /** @type {Job[]} */
  #jobs = []
  /** Those whose parts are shown. @type {Map<string, Job>} */
  #details = new Map()
  /** @type {() => void} */
  onEnd = () => {}
  #poll = new Poll(
    () => this.#load(),
    () => (this.#isBusy() ? BUSY_MS : IDLE_MS),
    (error) => showProblem('job-list', error),
  )

  start() {
    this.#poll.start()
  }

  stop() {
    this.#poll.stop()
    this.#jobs = []
    this.#details.clear()
    this.#show()
  }

  hurry() {
    this.#poll.hurry()
  }

  /** @param {string} id */
  async toggleParts(id) {
    if (!this.#details.delete(id)) this.#details.set(id, await api.job(id))
    this.#show()
  }

  #isBusy() {
    return this.#jobs.some(({ state }) => state === 'running')
  }

  async #load() {
    const running = new Set(this.#jobs.filter(({ state }) => state === 'running').map(({ id }) => id))
    const { jobs } = await api.jobs()
    this.#jobs = jobs
    for (const [id, { state }] of this.#details)
      if (state === 'running') this.#details.set(id, await api.job(id))
    this.#show()
    for (const job of jobs.filter(({ id, state }) => running.has(id) && state !== 'running')) {
      tell(`${TITLES[job.kind]}: ${job.state}.`, job.state === 'failed' ? 'bad' : 'good')
      this.onEnd()
    }
  }

  #show() {
    const rows = this.#jobs.slice(0, MAX_JOBS).map((job) => row(job, this.#details.get(job.id)))
    patch(find('job-list', HTMLElement), [
      rows.length > 0 ? h('ul', { class: 'rows' }, ...rows) : nothing('No job has run since the start.'),
    ])
  }
}

const jobs = new Jobs()

/** @param {Job} job */
const begun = ({ kind }) => {
  tell(`${TITLES[kind]} has begun.`)
  jobs.hurry()
}

/** @param {string} text */
const toList = (text) => text.split(/[\s,]+/).filter((part) => part !== '')

/** @param {string[]} references @param {string[]} [platforms] */
export const warm = async (references, platforms = []) =>
  begun(await api.warm({ references, ...(platforms.length > 0 && { platforms }) }))

const askWarm = async () => {
  const references = find('warm-references', HTMLTextAreaElement)
  const platforms = find('warm-platforms', HTMLInputElement)
  references.value = ''
  if (await openDialog(find('warm-dialog', HTMLDialogElement)))
    await warm(toList(references.value), toList(platforms.value))
}

const askGc = async () => {
  if (!(await openDialog(find('gc-dialog', HTMLDialogElement)))) return
  const [dryRun, untagged] = ['gc-dry-run', 'gc-untagged'].map((id) => find(id, HTMLInputElement).checked)
  begun(await api.gc({ ...(dryRun && { dryRun }), ...(untagged && { untagged }) }))
}

/** @param {() => void} onEnd called when a job that was seen running has ended */
export const startJobs = (onEnd) => {
  jobs.onEnd = onEnd
  onAction(
    find('jobs', HTMLElement),
    {
      'ask-warm': askWarm,
      'ask-gc': askGc,
      scrub: async () => begun(await api.scrub()),
      parts: ({ id = '' }) => jobs.toggleParts(id),
      cancel: async ({ id = '' }) => {
        await api.cancel(id)
        jobs.hurry()
      },
    },
    tellError,
  )
  return jobs
}
