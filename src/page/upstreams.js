/** The upstreams, how they are, and the outage drill. */
import { api } from './api.js'
import { openDialog } from './dialog.js'
import { find, h, onAction, patch } from './dom.js'
import { formatAmount, formatCount, formatDuration } from './format.js'
import { tell, tellError } from './notice.js'
import { bar, button, nothing, pill, time } from './parts.js'

/** @typedef {import('./wire.d.ts').Upstream} Upstream */

/** @type {Readonly<Record<Upstream['state'], readonly [word: string, tone: 'good' | 'bad' | 'warn' | 'plain']>>} */
const STATES = {
  well: ['well', 'good'],
  unwell: ['unreachable', 'bad'],
  limited: ['rate limited', 'warn'],
  refused: ['login refused', 'bad'],
  outage: ['outage drill', 'warn'],
  unknown: ['not asked yet', 'plain'],
}

/** @param {Upstream['state']} state */
export const statePill = (state) => pill(...(STATES[state] ?? [state, 'plain']))

/** @param {Upstream} upstream */
const limitOf = ({ name, rateLimit }) =>
  rateLimit !== undefined &&
  h(
    'div',
    { class: 'limit' },
    bar(`Rate limit left at ${name}`, rateLimit.remaining, rateLimit.limit),
    h(
      'p',
      { class: 'note' },
      `${formatCount(rateLimit.remaining)} of ${formatCount(rateLimit.limit)} pulls left`,
      rateLimit.windowS !== undefined && ` in ${formatDuration(rateLimit.windowS * 1000)}`,
    ),
  )

/** @param {...import('./dom.js').Child} children */
const note = (...children) => h('p', { class: 'note' }, ...children)

/** @param {Upstream} upstream */
const notesOf = ({ queue, limitedUntil, lastError, lastErrorAt, outageUntil }) => [
  outageUntil !== undefined && note('treated as unreachable; the drill ends ', time(outageUntil)),
  limitedUntil !== undefined && note('asked again ', time(limitedUntil)),
  lastError !== undefined && note('last failure ', lastErrorAt && time(lastErrorAt), `: ${lastError}`),
  queue !== undefined &&
    queue.requests + queue.transfers > 0 &&
    note(
      `under way or waiting: ${formatAmount(queue.requests, 'request')}, ${formatAmount(queue.transfers, 'transfer')}`,
    ),
]

/** @param {Upstream} upstream */
const drillButton = ({ name, outageUntil }) =>
  outageUntil === undefined
    ? button(
        'Outage drill…',
        'drill',
        { name },
        { 'aria-label': `Outage drill for ${name}`, 'data-key': 'drill' },
      )
    : button(
        'End the drill',
        'end-drill',
        { name },
        { 'aria-label': `End the outage drill for ${name}`, 'data-key': 'end' },
      )

/** @param {Upstream} upstream @param {boolean} isAdmin */
const row = (upstream, isAdmin) => {
  const { name, host, state, remoteurl, hasCredentials } = upstream
  const address = remoteurl ?? host
  return h(
    'li',
    { 'data-key': name },
    h(
      'div',
      { class: 'head' },
      h(
        'p',
        { class: 'name' },
        h('b', {}, name),
        address !== name && h('span', { class: 'quiet' }, ` ${address}`),
        hasCredentials === true && h('span', { class: 'quiet' }, ', with an account'),
      ),
      h('p', { class: 'actions' }, statePill(state), isAdmin && drillButton(upstream)),
    ),
    limitOf(upstream),
    ...notesOf(upstream),
  )
}

/** @param {readonly Upstream[]} upstreams @param {boolean} isAdmin whether more may be seen and done */
export const showUpstreams = (upstreams, isAdmin) => {
  const list = find('upstream-list', HTMLElement)
  const rows = upstreams.map((upstream) => row(upstream, isAdmin))
  patch(list, [
    rows.length > 0 ? h('ul', { class: 'rows' }, ...rows) : nothing('None: this is a private registry.'),
  ])
}

/** @param {() => void} onChange called once something has changed */
export const startUpstreams = (onChange) => {
  const duration = find('drill-duration', HTMLSelectElement)
  onAction(
    find('upstream-list', HTMLElement),
    {
      drill: async ({ name = '' }) => {
        find('drill-name', HTMLElement).textContent = name
        const isWanted = await openDialog(find('drill-dialog', HTMLDialogElement))
        if (!isWanted) return
        await api.startOutage(name, duration.value)
        tell(`${name} is treated as unreachable for ${duration.value}.`)
        onChange()
      },
      'end-drill': async ({ name = '' }) => {
        await api.endOutage(name)
        tell(`${name} is asked again.`)
        onChange()
      },
    },
    tellError,
  )
}
