/**
 * What entrepot notes of a repository beside distribution's layout: whether it is local or mirrored, and when its
 * upstream was last asked for a tag. A mark is durable before anything relies on it; the age of a tag may be lost.
 */
import { Memory } from '../memory.ts'
import type { Digest } from '../protocol/digest.ts'
import { isDigest } from '../protocol/digest.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'
import { type StorageDriver, StorageError } from './driver.ts'
import { KnownValues } from './known-values.ts'
import { askedKey, confirmedPrefix, formatFileDigest, markKey, parseFileDigest } from './paths.ts'

/** What a repository is: pushed here, or had from the upstream of that host. */
export type Mark =
  /** `isKept`: something was stored, so the mark is for good. */
  | { readonly kind: 'local'; readonly isKept: boolean }
  | { readonly kind: 'mirrored'; readonly upstream: string }

/** What the upstream last said of a tag, and when (milliseconds since the epoch). */
export interface Asked {
  readonly digest: Digest
  readonly atMs: number
}

/** Marks and ages kept in memory. */
const MAX_KNOWN = 50_000
/** How long a mark is believed without looking, in milliseconds: a second process may write one. */
const KNOWN_FOR_MS = 2_000

/** The age of a tag on disk may lag behind by this much, in milliseconds. */
const WRITE_ASKED_EVERY_MS = 30_000

const isMark = (value: unknown): value is Mark => {
  const { kind, upstream, isKept } = (value ?? {}) as Record<string, unknown>
  return (
    (kind === 'local' && typeof isKept === 'boolean') || (kind === 'mirrored' && typeof upstream === 'string')
  )
}

const ignoreStorageError = (error: unknown): undefined => {
  if (!(error instanceof StorageError)) throw error
}

/** How much a mark says: mirrored, pushed to, pushed. */
const rankOf = (mark: Mark): number => (mark.kind === 'mirrored' ? 0 : mark.isKept ? 2 : 1)

const isAsked = (value: unknown): value is Asked => {
  const { digest, atMs } = (value ?? {}) as Record<string, unknown>
  return typeof digest === 'string' && isDigest(digest) && typeof atMs === 'number'
}

const parseJson = (bytes: Buffer | undefined): unknown => {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** That a repository has no mark is remembered, too. */
interface Marked {
  readonly mark: Mark | undefined
}

const parseMark = (bytes: Buffer | undefined): Marked => {
  const value = parseJson(bytes)
  return { mark: isMark(value) ? value : undefined }
}

/** The marks of all repositories. */
export class MarkStore {
  readonly #driver: StorageDriver
  readonly #marks: KnownValues<Marked>
  /** What was last read of those that have one, however long ago. */
  readonly #last = new Memory<RepositoryName, Mark>(MAX_KNOWN)
  readonly #asked = new Memory<string, { readonly asked: Asked; readonly writtenAtMs: number }>(MAX_KNOWN)
  readonly #turns = new Map<RepositoryName, Promise<void>>()
  /** Counts what was written or removed: what was read meanwhile is not to be believed any longer. */
  #changes = 0

  /** @param now monotonic milliseconds, for the age of what is remembered; a test passes its own clock */
  constructor(driver: StorageDriver, now?: () => number) {
    this.#driver = driver
    this.#marks = new KnownValues(driver, {
      maxEntries: MAX_KNOWN,
      forMs: KNOWN_FOR_MS,
      parse: parseMark,
      now,
    })
  }

  /** How often a mark was written or removed. */
  get changes(): number {
    return this.#changes
  }

  /**
   * The mark of a repository, or `undefined` where it has none. A store that cannot be read lets the last word hold: what was
   * mirrored is mirrored still, and of what was never looked at nothing is guessed.
   */
  async read(name: RepositoryName): Promise<Mark | undefined> {
    const known = this.#marks.believed(markKey(name))
    if (known !== undefined) return known.mark
    try {
      return await this.#noteLast(name, this.#marks.look(markKey(name)))
    } catch (error) {
      const last = this.#last.get(name)
      if (!(error instanceof StorageError) || last === undefined) throw error
      return last
    }
  }

  /** The same from the store alone, where a second process may have written it just now. */
  async reread(name: RepositoryName): Promise<Mark | undefined> {
    return this.#noteLast(name, this.#marks.reread(markKey(name)))
  }

  /**
   * Writes the mark of a repository, durably. A mark never says less than before: what was pushed stays local, and what
   * was kept stays kept, whoever finds out at the same time that the repository is mirrored, or begins a push.
   */
  async write(name: RepositoryName, mark: Mark): Promise<void> {
    await this.#inTurn(name, async () => {
      const present = await this.reread(name)
      if (present !== undefined && rankOf(present) > rankOf(mark)) return
      await this.#driver.write(markKey(name), JSON.stringify(mark))
      this.#changes += 1
      this.#marks.set(markKey(name), { mark })
      this.#last.set(name, mark)
    })
  }

  /** Lifts the mark of a repository. */
  async remove(name: RepositoryName): Promise<void> {
    await this.#inTurn(name, async () => {
      this.#marks.delete(markKey(name))
      await this.#driver.remove(markKey(name))
      this.#changes += 1
      this.#marks.delete(markKey(name))
      this.#last.delete(name)
    })
  }

  async #noteLast(name: RepositoryName, looking: Promise<Marked | undefined>): Promise<Mark | undefined> {
    const changes = this.#changes
    const mark = (await looking)?.mark
    if (changes !== this.#changes) return mark
    if (mark === undefined) this.#last.delete(name)
    else this.#last.set(name, mark)
    return mark
  }

  /** What the upstream last said of a tag, as far as that can be read. */
  async readAsked(name: RepositoryName, tag: Tag): Promise<Asked | undefined> {
    const key = askedKey(name, tag)
    const known = this.#asked.get(key)
    if (known !== undefined) return known.asked
    const value = parseJson(await this.#driver.read(key).catch(ignoreStorageError))
    if (!isAsked(value)) return undefined
    this.#asked.set(key, { asked: value, writtenAtMs: value.atMs })
    return value
  }

  /** Notes what the upstream said of a tag: in memory at once, on disk lazily and not for every answer. */
  async writeAsked(name: RepositoryName, tag: Tag, asked: Asked): Promise<void> {
    const key = askedKey(name, tag)
    const known = this.#asked.get(key)
    const isKnown =
      known?.asked.digest === asked.digest && asked.atMs - known.writtenAtMs < WRITE_ASKED_EVERY_MS
    this.#asked.set(key, { asked, writtenAtMs: isKnown ? known.writtenAtMs : asked.atMs })
    if (!isKnown) await this.#driver.writeLazily(key, JSON.stringify(asked))
  }

  /** One change of a mark after the other. */
  async #inTurn(name: RepositoryName, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work, work)
    this.#turns.set(name, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name)
    }
  }

  /** Forgets that, for a tag that is gone. */
  async removeAsked(name: RepositoryName, tag: Tag): Promise<void> {
    this.#asked.delete(askedKey(name, tag))
    await this.#driver.removeLazily(askedKey(name, tag))
  }

  /** Notes that the upstream has a blob of an unclaimed repository, which may be had again from there. */
  async confirm(name: RepositoryName, digest: Digest): Promise<void> {
    const key = `${confirmedPrefix(name)}/${formatFileDigest(digest)}`
    if ((await this.#driver.stat(key)) === undefined) await this.#driver.writeLazily(key, '')
  }

  /** The blobs of an unclaimed repository that its upstream has, too. */
  async listConfirmed(name: RepositoryName): Promise<Set<Digest>> {
    const entries = await this.#driver.list(confirmedPrefix(name))
    return new Set(entries.map(parseFileDigest).filter((digest) => digest !== undefined))
  }
}
