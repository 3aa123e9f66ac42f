/**
 * What stands in large folders as sorted lists: a repository may have 100,000 tags and a store as many repositories, and
 * clients ask page by page. A list is read once and kept as long as the store says that its folder has not changed.
 */
import { LRUCache } from 'lru-cache'
import type { StorageDriver } from './driver.ts'
import { isSettled } from './settled.ts'

/** Names kept in memory, of all folders together: some 40 MB. */
const MAX_NAMES = 500_000
/** A shorter list is read as fast as its folder is looked at, and is not kept. */
const MIN_NAMES = 64

/** What folders are read with. */
type FolderDriver = Pick<StorageDriver, 'list' | 'namesChangedAtMs'>

interface Listed<N extends string> {
  readonly names: readonly N[]
  readonly changedAtMs: number
}

/** Index of the first of sorted names of which `isPast` holds, as it does of all that follow it. */
export const indexOfFirst = (sorted: readonly string[], isPast: (name: string) => boolean): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isPast(sorted[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

/** The lists of all folders of one kind. */
export class FolderNames<N extends string = string> {
  readonly #driver: FolderDriver
  readonly #isName: (name: string) => name is N
  readonly #now: () => number
  readonly #listed = new LRUCache<string, Listed<N>>({
    maxSize: MAX_NAMES,
    sizeCalculation: ({ names }) => names.length,
  })

  /**
   * @param isName whether a name counts
   * @param now milliseconds since the epoch, as the store's clock tells them
   */
  constructor(driver: FolderDriver, isName: (name: string) => name is N, now: () => number = Date.now) {
    this.#driver = driver
    this.#isName = isName
    this.#now = now
  }

  /** All names in a folder, in byte order; not to be changed. */
  async all(prefix: string): Promise<readonly N[]> {
    // Looked at before the list is read: what changes meanwhile shows as a later time.
    const changedAtMs = await this.#driver.namesChangedAtMs?.(prefix)
    const known = this.#listed.get(prefix)
    if (known !== undefined && known.changedAtMs === changedAtMs) return known.names
    const lookedAtMs = this.#now()
    const names = (await this.#driver.list(prefix)).filter(this.#isName)
    if (changedAtMs !== undefined && isSettled(changedAtMs, lookedAtMs) && names.length >= MIN_NAMES)
      this.#listed.set(prefix, { names, changedAtMs })
    else this.#listed.delete(prefix)
    return names
  }

  /** Those after `after`, at most `limit`; not to be changed. */
  async list(prefix: string, after = '', limit = Number.POSITIVE_INFINITY): Promise<readonly N[]> {
    const names = await this.all(prefix)
    if (after === '' && limit === Number.POSITIVE_INFINITY) return names
    const first = indexOfFirst(names, (name) => name > after)
    return names.slice(first, first + limit)
  }
}
