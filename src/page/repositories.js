/** The repositories, a page of them at a time; one can be opened to see what it has. */
import { api, describe } from './api.js'
import { find, onAction, patch } from './dom.js'
import { formatAmount, shortenDigest, toGlob } from './format.js'
import { tell, tellError } from './notice.js'
import { Poll } from './poll.js'
import { purgeOne } from './purge.js'
import { below, row } from './repository-row.js'
import { currentLogin } from './session.js'

/** @typedef {import('./wire.d.ts').Contents} Contents */
/** @typedef {import('./wire.d.ts').Repository} Repository */

const PAGE_SIZE = 50
/** Most tags that are shown of a repository: who has more asks the API. */
const MAX_TAGS = 200
/** Between two looks, in milliseconds. */
const PAUSE_MS = 20_000
/** How long to wait for more of a filter to be typed, in milliseconds. */
const TYPING_MS = 250

/** The table of repositories. */
class Repositories {
  /** Where the pages before this one began. @type {(string | undefined)[]} */
  #before = []
  /** @type {string | undefined} */
  #last
  /** @type {string | undefined} */
  #next
  #filter = ''
  /** @type {readonly Repository[]} */
  #shown = []
  /** What is open, with its contents once they are there. @type {Map<string, Contents | undefined>} */
  #open = new Map()
  #poll = new Poll(
    () => this.#load(),
    () => PAUSE_MS,
    (error) => this.#say(describe(error)),
  )

  start() {
    this.#poll.start()
  }

  /** Forgets everything. */
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
    this.hurry()
  }

  turnBack() {
    this.#last = this.#before.pop()
    this.hurry()
  }

  /** Opens or closes a repository. @param {string} name */
  async toggle(name) {
    if (this.#open.delete(name)) return this.#show()
    this.#open.set(name, undefined)
    this.#show()
    try {
      await this.#look(name)
    } finally {
      this.#show()
    }
  }

  /** @param {string} name */
  async #look(name) {
    try {
      const contents = await api.contents(name, MAX_TAGS)
      // It may have been closed meanwhile.
      if (this.#open.has(name)) this.#open.set(name, contents)
    } catch (error) {
      this.#open.delete(name)
      throw error
    }
  }

  async #load() {
    const filter = this.#filter === '' ? undefined : toGlob(this.#filter)
    const { repositories, next } = await api.repositories({ n: PAGE_SIZE, last: this.#last, filter })
    const names = new Set(repositories.map(({ name }) => name))
    for (const name of this.#open.keys()) if (!names.has(name)) this.#open.delete(name)
    // One that went in between is seen to be gone by the next look.
    await Promise.allSettled([...this.#open.keys()].map((name) => this.#look(name)))
    if (currentLogin() === undefined) return
    this.#shown = repositories
    this.#next = next
    this.#show()
  }

  #show() {
    const rows = this.#shown.flatMap((repository) => {
      const { name } = repository
      const isOpen = this.#open.has(name)
      return [row(repository, isOpen), ...(isOpen ? [below(name, this.#open.get(name))] : [])]
    })
    patch(find('repository-rows', HTMLElement), rows)
    this.#say(this.#count())
    find('previous-page', HTMLButtonElement).hidden = this.#before.length === 0
    find('next-page', HTMLButtonElement).hidden = this.#next === undefined
  }

  #count() {
    const count = formatAmount(this.#shown.length, 'repository', 'repositories')
    if (this.#next !== undefined || this.#before.length > 0) return `${count} on this page`
    if (this.#shown.length > 0) return count
    return this.#filter === '' ? 'Nothing is stored yet: pull something through it.' : 'No repository fits.'
  }

  /** @param {string} text */
  #say(text) {
    const line = find('repository-count', HTMLElement)
    // What does not change is not read out again.
    if (line.textContent !== text) line.textContent = text
  }
}

const repositories = new Repositories()

/** A tag or a manifest as people write it. @param {string} repository @param {string} reference */
const nameOf = (repository, reference) =>
  reference.includes(':') ? `${repository}@${shortenDigest(reference)}` : `${repository}:${reference}`

/** @param {DOMStringMap} data */
const purge = ({ repository = '', tag, digest }) => {
  const reference = tag ?? digest
  const name = reference === undefined ? repository : nameOf(repository, reference)
  const selection = { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
  return purgeOne(name, selection, () => repositories.hurry())
}

/** @param {DOMStringMap} data @param {HTMLButtonElement} button */
const togglePin = async ({ repository = '', reference = '' }, button) => {
  const isPinned = button.ariaPressed === 'true'
  await (isPinned ? api.unpin : api.pin)({ repository, reference })
  tell(`${nameOf(repository, reference)} is ${isPinned ? 'no longer pinned' : 'pinned'}.`)
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
  find('previous-page', HTMLButtonElement).addEventListener('click', () => repositories.turnBack())
  find('next-page', HTMLButtonElement).addEventListener('click', () => repositories.turnOn())
  const filter = find('filter', HTMLInputElement)
  /** @type {number | undefined} */
  let typing
  filter.addEventListener('input', () => {
    clearTimeout(typing)
    typing = setTimeout(() => repositories.filter(filter.value.trim()), TYPING_MS)
  })
  return repositories
}
