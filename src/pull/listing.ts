/**
 * Lists of a repository: its tags, and what refers to a manifest. Of a mirrored one the upstream's, by the same rules of
 * staleness as its tags; of a local one our own.
 */
import { LRUCache } from 'lru-cache'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { isTag, type RepositoryName } from '../protocol/name.ts'
import { filterReferrers, MAX_PAGE_BYTES } from '../protocol/referrers.ts'
import type { Repository } from '../repository.ts'
import type { LinkStore } from '../store/links.ts'
import type { ReferrerStore } from '../store/referrers.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import type { Deadlines } from './deadlines.ts'
import { allowsStale, formatWarning, toAnswer } from './failure.ts'

/** Lists kept for the time when an upstream fails, in entries of all lists together. */
const MAX_KEPT_ENTRIES = 500_000
/** How long an upstream's list of tags serves for its further pages, in milliseconds: who reads 100 pages asks for it once. */
const CONTINUED_FOR_MS = 60_000

/** A list, and the value of the `Warning` header where it is stale. */
export interface PulledList<T> {
  readonly entries: readonly T[]
  readonly warning?: string
}

/** A descriptor as its upstream listed it. */
export interface ReferrerEntry {
  readonly digest: string
  readonly artifactType?: unknown
}

const isReferrerEntry = (entry: Readonly<Record<string, unknown>>): entry is ReferrerEntry & typeof entry =>
  typeof entry.digest === 'string'

/** Which referrers are wanted; what is stored here is read no further than a page of these. */
export interface ReferrersRequest {
  /** A digest: they begin strictly after it. */
  readonly after?: string | undefined
  /** Any of these; none: all types. */
  readonly artifactTypes?: readonly string[]
}

/** What reads of lists work with. */
export interface ListingPullOptions {
  readonly links: LinkStore
  readonly referrers: ReferrerStore
  readonly coordinator: Coordinator
  readonly deadlines: Deadlines
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** An upstream's list, and when it was got. */
interface Kept {
  readonly entries: readonly unknown[]
  readonly atMs: number
}

/** Byte order, which is code unit order for tags. */
const inByteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const isUnknown = (error: unknown): boolean => error instanceof RegistryError && error.status === 404

/** Answers reads of lists. */
export class ListingPull {
  readonly #options: ListingPullOptions
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: MAX_KEPT_ENTRIES,
    sizeCalculation: ({ entries }) => entries.length + 1,
  })

  constructor(options: ListingPullOptions) {
    this.#options = options
  }

  /**
   * All tags of a repository, in byte order.
   * @param isContinued a page was given out before, to which this list is to fit
   * @throws RegistryError `NAME_UNKNOWN` where nobody knows the repository, or the upstream's failure
   */
  async tags(repository: Repository, isContinued = false): Promise<PulledList<string>> {
    if (repository.kind === 'local') return { entries: await this.#localTags(repository) }
    const { upstream, name } = repository.origin
    const own = () => this.#options.links.listTags(repository.name)
    const ask = (deadlineMs: number) => upstream.tags(name, { deadlineMs })
    const list = await this.#orOwn(repository, own, () =>
      this.#ask(
        `tags ${repository.name}`,
        async (deadlineMs) => (await ask(deadlineMs)).filter(isTag).sort(inByteOrder),
        own,
        isContinued ? CONTINUED_FOR_MS : 0,
      ),
    )
    if (repository.kind === 'mirrored') return list
    // What an unclaimed repository holds may be somebody's own: its tags are listed beside the upstream's.
    return { ...list, entries: [...new Set([...list.entries, ...(await own())])].sort(inByteOrder) }
  }

  /** What refers to `subject`: never an error for a repository or subject that nobody knows. */
  async referrers(
    repository: Repository,
    subject: Digest,
    request: ReferrersRequest = {},
  ): Promise<PulledList<ReferrerEntry>> {
    const own = () => this.#ownReferrers(repository.name, subject, request)
    if (repository.kind === 'local') return { entries: await own() }
    const { upstream, name } = repository.origin
    const ask = (deadlineMs: number) => upstream.referrers(name, subject, { deadlineMs })
    try {
      const list = await this.#ask<ReferrerEntry>(
        `referrers ${repository.name}@${subject}`,
        async (deadlineMs) => (await ask(deadlineMs)).filter(isReferrerEntry),
        own,
      )
      if (repository.kind === 'mirrored') return list
      const listed = new Set(list.entries.map(({ digest }) => digest))
      const others = (await own()).filter(({ digest }) => !listed.has(digest))
      return { ...list, entries: [...list.entries, ...others] }
    } catch (error) {
      if (!isUnknown(error)) throw error
      return { entries: repository.kind === 'unclaimed' ? await own() : [] }
    }
  }

  /** The stored referrers from where the request begins, as many as fill a page, and one more. */
  async #ownReferrers(
    name: RepositoryName,
    subject: Digest,
    { after, artifactTypes = [] }: ReferrersRequest,
  ): Promise<ReferrerEntry[]> {
    const entries: ReferrerEntry[] = []
    let sizeBytes = 0
    for await (const entry of this.#options.referrers.walk(name, subject, after)) {
      if (filterReferrers([entry], artifactTypes).length === 0) continue
      entries.push(entry)
      sizeBytes += Buffer.byteLength(JSON.stringify(entry))
      if (sizeBytes > MAX_PAGE_BYTES && entries.length > 1) break
    }
    return entries
  }

  /** What an unclaimed repository has, where its upstream does not know it. */
  async #orOwn<T>(
    { kind }: Repository,
    own: () => Promise<readonly T[]>,
    ask: () => Promise<PulledList<T>>,
  ): Promise<PulledList<T>> {
    try {
      return await ask()
    } catch (error) {
      if (kind !== 'unclaimed' || !isUnknown(error)) throw error
      return { entries: await own() }
    }
  }

  async #localTags(repository: Repository): Promise<readonly string[]> {
    const { links } = this.#options
    const tags = await links.listTags(repository.name)
    if (tags.length === 0 && !(await links.hasRepository(repository.name)))
      throw new RegistryError('NAME_UNKNOWN', { detail: { name: repository.name } })
    return tags
  }

  /** The upstream's list, which may be so old; where that fails what it last said, or what is stored. */
  async #ask<T>(
    key: string,
    ask: (deadlineMs: number) => Promise<readonly T[]>,
    stored: () => Promise<readonly T[]>,
    maxAgeMs = 0,
  ): Promise<PulledList<T>> {
    const { coordinator, metrics, deadlines, now } = this.#options
    const last = this.#kept.get(key)
    const kept = last?.entries as readonly T[] | undefined
    if (last !== undefined && kept !== undefined && now() - last.atMs < maxAgeMs) {
      metrics.reads.inc({ type: 'list', answer: 'hit' })
      return { entries: kept }
    }
    try {
      const entries = await coordinator.once(key, () =>
        ask(kept === undefined ? deadlines.answerMs : deadlines.cachedMs),
      )
      this.#kept.set(key, { entries, atMs: now() })
      metrics.reads.inc({ type: 'list', answer: 'miss' })
      return { entries }
    } catch (error) {
      if (error instanceof UpstreamError && error.kind === 'absent') this.#kept.delete(key)
      if (!allowsStale(error)) throw toAnswer(error, 'repository')
      const entries = kept ?? (await stored())
      if (entries.length === 0) throw toAnswer(error, 'repository')
      metrics.reads.inc({ type: 'list', answer: 'stale' })
      metrics.staleAnswers.inc({ cause: error.kind })
      return { entries, warning: formatWarning(error) }
    }
  }
}
