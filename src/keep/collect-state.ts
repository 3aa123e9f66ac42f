/** What a run of the garbage collection knows, see `collect`. */
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import type { Repositories } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { StorageDriver } from '../store/driver.ts'
import type { Leases } from '../store/leases.ts'
import type { LinkStore } from '../store/links.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { Owner } from '../store/owner.ts'
import type { UseStore } from '../store/uses.ts'
import { DigestFilter } from './digest-filter.ts'
import { filterRecent } from './recent.ts'

/** What is collected in, and with. */
export interface CollectParts {
  readonly driver: StorageDriver
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly manifests: ManifestStore
  readonly leases: Leases
  readonly uses: UseStore
  readonly owner: Pick<Owner, 'isAlone'>
  readonly repositories: Pick<Repositories, 'classify'>
  readonly coordinator: Coordinator
  readonly log: Logger
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What a run did, or would have done. Times are milliseconds since the epoch. */
export interface CollectReport {
  readonly isDryRun: boolean
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** Repositories that were looked at. */
  readonly repositories: number
  /** Untagged manifests and blob links that went. */
  readonly manifests: number
  readonly links: number
  /** Blobs and manifests whose bytes went, and how many bytes. */
  readonly blobs: number
  readonly bytes: number
  /** Links and blobs that nothing needs, but that are too young to go. */
  readonly waiting: number
  /** The first of the blobs that went. */
  readonly garbage: readonly { readonly digest: Digest; readonly sizeBytes: number }[]
}

/** How one run collects; times in milliseconds. */
export interface CollectRules {
  readonly isDryRun: boolean
  readonly dropsUntagged: boolean
  readonly dropsUnnamed: boolean
  /** How long what was pushed, mounted or asked for may be about to be named. */
  readonly graceMs: number
  /** How long bytes without a link may be about to get one. */
  readonly arrivingMs: number
  readonly signal: AbortSignal | undefined
}

/** What one run has found out. */
export class CollectState {
  readonly startedAtMs: number
  readonly counts = { repositories: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, waiting: 0 }
  /** Bytes that a repository has or names. */
  readonly reachable = new DigestFilter()
  /** What was used, and what was linked, since the run began. */
  readonly touched = new Set<Digest>()
  readonly linked = new Set<Digest>()
  readonly #graceMs: number
  #recent: DigestFilter | undefined

  constructor(startedAtMs: number, graceMs: number) {
    this.startedAtMs = startedAtMs
    this.#graceMs = graceMs
  }

  /** Begins to note what happens, and learns what happened before. @returns what ends that @throws StorageError */
  async watch({ links, uses }: Pick<CollectParts, 'links' | 'uses'>): Promise<() => void> {
    const ends = [
      uses.watch((digest) => this.touched.add(digest)),
      links.watch((stored) => this.linked.add(stored)),
    ]
    const end = (): void => {
      for (const each of ends) each()
    }
    try {
      this.#recent = await filterRecent(uses, this.startedAtMs - this.#graceMs)
      return end
    } catch (error) {
      end()
      throw error
    }
  }

  /** Whether content came, or was used, so lately that something which names it may be under way. */
  isYoung(stored: Digest, cameAtMs: number): boolean {
    if (this.#graceMs === 0) return false
    return this.#recent?.has(stored) !== false || cameAtMs > this.startedAtMs - this.#graceMs
  }
}
