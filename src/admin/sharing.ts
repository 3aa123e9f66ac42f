/**
 * Which bytes more than one repository needs, as a filter that may say yes wrongly and never no: so what a purge would free is
 * never told as more than it is. The store is looked through when somebody asks and the last look is old; what is linked
 * since counts at once.
 */
import { DigestFilter } from '../keep/digest-filter.ts'
import { inLanes } from '../lanes.ts'
import type { Digest } from '../protocol/digest.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import { type NeedParts, needsOf } from './needs.ts'

/** How long a look at the store is good for, in milliseconds. */
const GOOD_FOR_MS = 5 * 60_000

/** What one look found. */
interface Look {
  readonly atMs: number
  readonly once: DigestFilter
  readonly twice: DigestFilter
  readonly end: () => void
}

/** Knows what is shared. */
export class Sharing {
  readonly #parts: NeedParts
  readonly #now: () => number
  #look: Look | undefined
  #looking: Promise<Look> | undefined

  /** @param now milliseconds since the epoch */
  constructor(parts: NeedParts, now: () => number) {
    this.#parts = parts
    this.#now = now
  }

  /** Tells whether more than one repository needs certain bytes. @throws StorageError */
  async isShared(): Promise<(stored: Digest) => boolean> {
    const isOld = this.#look === undefined || this.#now() - this.#look.atMs >= GOOD_FOR_MS
    if (isOld) {
      this.#looking ??= this.#lookThrough().finally(() => {
        this.#looking = undefined
      })
      await this.#looking
    }
    const { twice } = this.#look as Look
    return (stored) => twice.has(stored)
  }

  /** Content has gone: the next who asks has the store looked through. */
  doubt(): void {
    this.#look?.end()
    this.#look = undefined
  }

  async #lookThrough(): Promise<Look> {
    const once = new DigestFilter()
    const twice = new DigestFilter()
    const atMs = this.#now()
    const note = (stored: Digest): void => {
      if (once.has(stored)) twice.add(stored)
      else once.add(stored)
    }
    const linked = new Set<Digest>()
    let onLink = (stored: Digest): void => {
      linked.add(stored)
    }
    const end = this.#parts.links.watch((stored) => onLink(stored))
    try {
      await inLanes(walkLinkedFolders(this.#parts.driver), async (name) => {
        const own = new Set<Digest>()
        for await (const stored of needsOf(this.#parts, name)) own.add(stored)
        for (const stored of own) note(stored)
      })
    } catch (error) {
      end()
      throw error
    }
    for (const stored of linked) note(stored)
    onLink = note
    this.#look?.end()
    this.#look = { atMs, once, twice, end }
    return this.#look
  }
}
