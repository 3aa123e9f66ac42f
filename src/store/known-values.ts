/**
 * What stands in small keys of a store, kept in memory. Another process on the volume may change a key, so its value is
 * believed for a moment only; then the key is looked at, which takes one way through the thread pool where reading takes
 * three. A value is believed for another moment where its key has the time and the size that it had.
 *
 * - A key is looked at before it is read: what changes in between shows as a later time.
 * - A time that has not settled is not kept, and neither is that of a first reading, which would cost a look for what is
 *   asked for once: such a key is read again, once its moment is over.
 * - What this process sets or removes while a key is looked at or read holds, whatever the look says.
 */
import { Memory } from '../memory.ts'
import type { StorageDriver, StoredStat } from './driver.ts'
import { isSettled } from './settled.ts'

/** How values are read, and how long they are believed. */
export interface KnownValuesOptions<V extends {}> {
  /** How many are kept. */
  readonly maxEntries: number
  /** How long a value is believed without looking, in milliseconds. */
  readonly forMs: number
  /** The value of a key with these bytes, or without any; `undefined` for what is not to be remembered. */
  readonly parse: (bytes: Buffer | undefined) => V | undefined
  /** Milliseconds of a clock that never goes back; a test passes its own. */
  readonly now?: (() => number) | undefined
  /** Milliseconds since the epoch, as the store's clock tells them. */
  readonly wallNow?: (() => number) | undefined
}

interface Known<V> {
  readonly value: V
  /** Whether there was anything under the key: what is absent is read as quickly as it is looked at. */
  readonly isThere: boolean
  /** What the key was like when it was read, where that can be relied on. */
  readonly stat: StoredStat | undefined
  untilMs: number
}

const isSame = (a: StoredStat, b: StoredStat | undefined): boolean =>
  a.changedAtMs === b?.changedAtMs && a.sizeBytes === b.sizeBytes

/** The values of all keys of one kind. */
export class KnownValues<V extends {}> {
  readonly #driver: Pick<StorageDriver, 'read' | 'stat'>
  readonly #known: Memory<string, Known<V>>
  readonly #forMs: number
  readonly #parse: (bytes: Buffer | undefined) => V | undefined
  readonly #now: () => number
  readonly #wallNow: () => number
  #removals = 0

  constructor(
    driver: Pick<StorageDriver, 'read' | 'stat'>,
    { maxEntries, forMs, parse, now, wallNow }: KnownValuesOptions<V>,
  ) {
    this.#driver = driver
    this.#known = new Memory(maxEntries)
    this.#forMs = forMs
    this.#parse = parse
    this.#now = now ?? (() => performance.now())
    this.#wallNow = wallNow ?? Date.now
  }

  /** The value of a key that is believed just now, without looking. */
  believed(key: string): V | undefined {
    const known = this.#known.get(key)
    return known !== undefined && this.#now() < known.untilMs ? known.value : undefined
  }

  /** Whether a value of a key is kept, believed or to be looked at. */
  has(key: string): boolean {
    return this.#known.has(key)
  }

  /** The value of a key as it is in the store, read where it may have changed. @throws StorageError */
  async look(key: string): Promise<V | undefined> {
    const known = this.#known.get(key)
    if (known?.isThere !== true) return this.reread(key)
    const isUntouched = this.#watch(key)
    const stat = await this.#driver.stat(key)
    if (stat !== undefined && isSame(stat, known.stat)) {
      known.untilMs = this.#now() + this.#forMs
      return known.value
    }
    const settled = stat !== undefined && isSettled(stat.changedAtMs, this.#wallNow()) ? stat : undefined
    const bytes = stat && (await this.#driver.read(key))
    return this.#remember(key, bytes, settled, isUntouched)
  }

  /** The value of a key, read whatever is known of it. @throws StorageError */
  async reread(key: string): Promise<V | undefined> {
    const isUntouched = this.#watch(key)
    return this.#remember(key, await this.#driver.read(key), undefined, isUntouched)
  }

  /** Notes what this process writes, or is about to write, believed for `forMs`. */
  set(key: string, value: V, forMs: number = this.#forMs): void {
    this.#known.set(key, { value, isThere: true, stat: undefined, untilMs: this.#now() + forMs })
  }

  /** Forgets a key that is removed: before that, so that nobody is given it, and after it, for who read it meanwhile. */
  delete(key: string): void {
    this.#removals += 1
    this.#known.delete(key)
  }

  /** Forgets everything, as {@link delete} does. */
  clear(): void {
    this.#removals += 1
    this.#known.clear()
  }

  /** @returns whether what is known of a key is still what it was, and nothing was removed */
  #watch(key: string): () => boolean {
    const known = this.#known.peek(key)
    const removals = this.#removals
    return () => this.#removals === removals && this.#known.peek(key) === known
  }

  #remember(
    key: string,
    bytes: Buffer | undefined,
    stat: StoredStat | undefined,
    isUntouched: () => boolean,
  ): V | undefined {
    const value = this.#parse(bytes)
    if (!isUntouched()) return value
    const isThere = bytes !== undefined
    if (value === undefined) this.#known.delete(key)
    else this.#known.set(key, { value, isThere, stat, untilMs: this.#now() + this.#forMs })
    return value
  }
}
