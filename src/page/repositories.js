/** The repositories, a page of them at a time; one can be opened to see what it has. */
import { api } from './api.js'
import { showContents } from './contents.js'
import { find, h, onAction, patch } from './dom.js'
import { formatAmount, formatCount, shortenDigest, toGlob } from './format.js'
import { tell, tellError } from './notice.js'
import { button, bytes, cell, nothing, pill, time } from './parts.js'
import { Poll } from './poll.js'
import { purgeOne } from './purge.js'

/** @typedef {import('./wire.d.ts').Repository} Repository */

const PAGE_SIZE = 50
const COLUMNS = 7
/** Between two looks, in milliseconds. */
const PAUSE_MS = 20_000
/** How long to wait for more of a filter to be typed, in milliseconds. */
const TYPING_MS = 250

/** @param {Repository} repository */
const source = ({ kind, upstream }) =>
  kind === 'mirrored' ? (upstream ?? 'mirrored') : pill(kind, kind === 'local' ? 'plain' : 'warn')

/** @param {string} text */
const idOf = (text) => `contents-of-${text}`

/** @param {Repository} repository @param {boolean} isOpen */
const row = (repository, isOpen) => {
  const { name, kind, tags, sizeBytes, usedAt, pulls } = repository
  return h(
    'tr',
    { role: 'row', 'data-key': name, class: isOpen && 'open' },
    h(
      'th',
      { role: 'rowheader', scope: 'row', class: 'name' },
      button(
        name,
        'open',
        { name },
        { class: 'opener', 'aria-expanded': String(isOpen), 'aria-controls': isOpen && idOf(name) },
      ),
    ),
    cell('Source', 'text', source(repository)),
    cell('Tags', 'number', formatCount(tags)),
    cell('Size', 'number', bytes(sizeBytes)),
    cell('Used', 'text', time(usedAt)),
    cell('Pulls', 'number', formatCount(pulls)),
    cell(
      '',
      'do',
      h(
        'div',
        { class: 'actions' },
        kind !== 'local' &&
          button('Purge…', 'purge', { repository: name }, { class: 'danger', 'aria-label': `Purge ${name}` }),
      ),
    ),
  )
}

/** The table of repositories. */
class Repositories {
  /** Cursors of the pages before this one. @type {(string | undefined)[]} */
  #before = []
  /** @type {string | undefined} */
  #last
  /** @type {string | undefined} */
  #next
  #filter = ''
  /** @type {Repository[]} */
  #shown = []
  /** What is open, with its contents once they are there. @type {Map<string, Node[]>} */
  #open = new Map()
  #poll = new Poll(
    () => this.#load(),
    () => PAUSE_MS,
  )

  start() {
    this.#poll.start()
  }

  stop() {
    this.#poll.stop()
    this.#shown = []
    this.#open.clear()
    this.#show()
  }

  hurry() {
    this.#poll.hurry()
  }

  /** @param {string} text */
  filter(text) {
    this.#filter = text
    this.#before = []
    this.#last = undefined
    this.hurry()
  }

  turnOn() {
    this.#before.push(this.#last)
    this.#last = this.#next
    return this.#load()
  }

  turnBack() {
    this.#last = this.#before.pop()
    return this.#load()
  }

  /** @param {string} name */
  async toggle(name) {
    if (this.#open.delete(name)) return this.#show()
    this.#open.set(name, [nothing('Looking…')])
    this.#show()
    await this.#look(name)
    this.#show()
  }

  /** @param {string} name */
  async #look(name) {
    try {
      const contents = await api.contents(name)
      // It may have been closed meanwhile.
      if (this.#open.has(name)) this.#open.set(name, showContents(contents))
    } catch (error) {
      this.#open.delete(name)
      throw error
    }
  }

  async #load() {
    const filter = this.#filter === '' ? undefined : toGlob(this.#filter)
    const { repositories, next } = await api.repositories({ n: PAGE_SIZE, last: this.#last, filter })
    this.#shown = repositories
    this.#next = next
    for (const name of this.#open.keys())
      if (!repositories.some((repository) => repository.name === name)) this.#open.delete(name)
    // One that went in between is seen to be gone by the next look.
    await Promise.allSettled([...this.#open.keys()].map((name) => this.#look(name)))
    this.#show()
  }

  #show() {
    const rows = this.#shown.flatMap((repository) => {
      const { name } = repository
      const contents = this.#open.get(name)
      const parts = contents?.map((node) => node.cloneNode(true)) ?? []
      const below = h('td', { role: 'cell', colspan: COLUMNS }, ...parts)
      return [
        row(repository, contents !== undefined),
        ...(contents === undefined
          ? []
          : [h('tr', { role: 'row', class: 'below', id: idOf(name), 'data-key': `below ${name}` }, below)]),
      ]
    })
    patch(find('repository-rows', HTMLElement), rows)
    const isFiltered = this.#filter !== ''
    find('repository-count', HTMLElement).textContent =
      rows.length > 0
        ? `${formatAmount(this.#shown.length, 'repository', 'repositories')}${this.#next === undefined && this.#before.length === 0 ? '' : ' on this page'}`
        : isFiltered
          ? 'No repository fits.'
          : 'Nothing is stored yet: pull something through it.'
    find('previous-page', HTMLButtonElement).hidden = this.#before.length === 0
    find('next-page', HTMLButtonElement).hidden = this.#next === undefined
  }
}

const repositories = new Repositories()

/** @param {DOMStringMap} data */
const purge = ({ repository = '', tag, digest }) => {
  const name =
    tag !== undefined
      ? `${repository}:${tag}`
      : digest !== undefined
        ? `${repository}@${shortenDigest(digest)}`
        : repository
  const selection = { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
  return purgeOne(name, selection, () => repositories.hurry())
}

/** @param {DOMStringMap} data @param {HTMLButtonElement} button */
const togglePin = async ({ repository = '', reference = '' }, button) => {
  const isPinned = button.ariaPressed === 'true'
  await (isPinned ? api.unpin : api.pin)({ repository, reference })
  tell(
    `${repository} ${reference.includes(':') ? shortenDigest(reference) : reference} is ${isPinned ? 'no longer pinned' : 'pinned'}.`,
  )
  repositories.hurry()
}

/** @param {DOMStringMap} data */
const refresh = async ({ repository = '', tag = '' }) => {
  const { digest, previousDigest, isChanged } = await api.refresh(repository, tag)
  const from = previousDigest === undefined ? '' : ` from ${shortenDigest(previousDigest)}`
  tell(
    isChanged
      ? `${repository}:${tag} has moved${from} to ${shortenDigest(digest)}.`
      : `${repository}:${tag} is up to date.`,
  )
  repositories.hurry()
}

/** @param {(references: string[]) => Promise<void>} warm */
export const startRepositories = (warm) => {
  onAction(
    find('repository-rows', HTMLElement),
    {
      open: ({ name = '' }) => repositories.toggle(name),
      purge,
      pin: togglePin,
      refresh,
      warm: ({ repository, tag }) => warm([`${repository}:${tag}`]),
    },
    tellError,
  )
  find('previous-page', HTMLButtonElement).addEventListener('click', () =>
    repositories.turnBack().catch(tellError),
  )
  find('next-page', HTMLButtonElement).addEventListener('click', () => repositories.turnOn().catch(tellError))
  const filter = find('filter', HTMLInputElement)
  /** @type {number | undefined} */
  let typing
  filter.addEventListener('input', () => {
    clearTimeout(typing)
    typing = setTimeout(() => repositories.filter(filter.value.trim()), TYPING_MS)
  })
  return repositories
}
