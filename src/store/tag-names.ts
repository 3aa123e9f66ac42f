/**
 * The tags of repositories as sorted lists. A repository may have 100,000 of them, and clients ask page by page: a list
 * is read once and kept as long as the store says that its folder has not changed.
 */
import { LRUCache } from 'lru-cache'
import { isTag, type RepositoryName, type Tag } from '../protocol/name.ts'
import type { StorageDriver } from './driver.ts'
import { tagsPrefix } from './paths.ts'

/** Names kept in memory, of all repositories together: some 40 MB. */
const MAX_NAMES = 500_000
/**
 * A folder that changed less than this ago may change again without showing it, since its time is only so exact: the
 * coarsest file systems count in steps of 2 s. In milliseconds.
 */
const SETTLED_AFTER_MS = 5_000

interface Listed {
  readonly tags: readonly Tag[]
  readonly changedAtMs: number
}

/** Index of the first of sorted names that comes after `name`. */
const indexAfter = (sorted: readonly string[], name: string): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! > name) high = middle
    else low = middle + 1
  }
  return low
}

/** The lists of all repositories. */
export class TagNames {
  readonly #driver: StorageDriver
  readonly #now: () => number
  readonly #listed = new LRUCache<RepositoryName, Listed>({
    maxSize: MAX_NAMES,
    sizeCalculation: ({ tags }) => tags.length + 1,
  })

  /** @param now milliseconds since the epoch, as the store's clock tells them */
  constructor(driver: StorageDriver, now: () => number = Date.now) {
    this.#driver = driver
    this.#now = now
  }

  /** The tags of a repository, in byte order, after `after`, at most `limit`. */
  async list(name: RepositoryName, after = '', limit = Number.POSITIVE_INFINITY): Promise<Tag[]> {
    const tags = await this.#read(name)
    const first = indexAfter(tags, after)
    return tags.slice(first, first + limit)
  }

  async #read(name: RepositoryName): Promise<readonly Tag[]> {
    const prefix = tagsPrefix(name)
    // Looked at before the list is read: what changes meanwhile shows as a later time.
    const changedAtMs = await this.#driver.namesChangedAtMs?.(prefix)
    const known = this.#listed.get(name)
    if (known !== undefined && known.changedAtMs === changedAtMs) return known.tags
    const lookedAtMs = this.#now()
    const tags = (await this.#driver.list(prefix)).filter(isTag)
    if (changedAtMs !== undefined && lookedAtMs - changedAtMs > SETTLED_AFTER_MS)
      this.#listed.set(name, { tags, changedAtMs })
    else this.#listed.delete(name)
    return tags
  }
}
