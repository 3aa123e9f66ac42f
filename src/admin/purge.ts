/**
 * Purge: mirrored content goes because an operator says so (design §3). What is served goes on being served: whoever has a
 * blob open keeps it, and what is linked or held meanwhile stays. Two passes over the repositories, so that memory is bounded:
 *
 *  1. What stays is gathered in a filter: all that is not meant has, and what the plan leaves of what is meant.
 *  2. What is meant loses its links; bytes that nobody needs go. What is overlooked is garbage, and collected as such.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import { DigestFilter } from '../keep/digest-filter.ts'
import { VolumeSharedError } from '../keep/shared.ts'
import { inLanes } from '../lanes.ts'
import type { Logger } from '../observe/log.ts'
import type { Digest } from '../protocol/digest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import { compareBytes } from '../protocol/page.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import type { Leases } from '../store/leases.ts'
import { tagsKey } from '../store/links.ts'
import type { MirroredSize } from '../store/mirrored-size.ts'
import type { Owner } from '../store/owner.ts'
import { needsOf } from './needs.ts'
import {
  conflict,
  type PlanParts,
  type PurgePlanner,
  type PurgeRequest,
  type RepositoryPlan,
  selectPlans,
} from './purge-select.ts'
import { type UnlinkParts, unlinkPlanned } from './purge-unlink.ts'

/** Things that are named in a report. */
const MAX_ITEMS = 1000

/** What is purged in, and with. */
export interface PurgeOptions extends PlanParts, UnlinkParts {
  readonly coordinator: Coordinator
  readonly leases: Leases
  readonly mirroredSize: MirroredSize
  readonly owner: Pick<Owner, 'isAlone'>
  readonly log: Logger
}

/** Something that went. */
export interface PurgedItem {
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

/** What went, or would. */
export interface PurgeReport {
  readonly isDryRun: boolean
  /** Repositories that lost something. */
  readonly repositories: number
  readonly tags: number
  readonly manifests: number
  /** Layers and configs whose bytes went. */
  readonly blobs: number
  /** All bytes that are free now. */
  readonly bytes: number
  /** At most a thousand. */
  readonly items: readonly PurgedItem[]
}

/** One purge under way. */
class PurgeRun {
  readonly #options: PurgeOptions
  readonly #planner: PurgePlanner
  readonly #isDryRun: boolean
  readonly #kept = new DigestFilter()
  /** What a dry run has counted, which another repository may have as well. */
  readonly #counted = new DigestFilter()
  readonly #linked = new Set<Digest>()
  readonly #items: PurgedItem[] = []
  readonly #counts = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0 }

  constructor(options: PurgeOptions, planner: PurgePlanner, isDryRun: boolean) {
    this.#options = options
    this.#planner = planner
    this.#isDryRun = isDryRun
  }

  async run(): Promise<PurgeReport> {
    const end = this.#options.links.watch((stored) => this.#linked.add(stored))
    try {
      const meant = await this.#gatherKept()
      await inLanes(meant, (name) => this.#purge(name))
    } finally {
      end()
    }
    // Several repositories are purged at a time: the order is that of their names all the same.
    const items = this.#items.sort((a, b) => compareBytes(a.repository, b.repository))
    return { isDryRun: this.#isDryRun, ...this.#counts, items }
  }

  /** @returns the repositories that are meant */
  async #gatherKept(): Promise<RepositoryName[]> {
    const meant: RepositoryName[] = []
    await inLanes(walkLinkedFolders(this.#options.driver), async (name) => {
      if (await this.#planner.isMeant(name)) {
        meant.push(name)
        for (const stored of (await this.#planner.plan(name)).staying) this.#kept.add(stored)
      } else for await (const stored of needsOf(this.#options, name)) this.#kept.add(stored)
    })
    return meant
  }

  async #purge(name: RepositoryName): Promise<void> {
    const { coordinator } = this.#options
    const plan = await coordinator.exclusive(tagsKey(name), async () => {
      // What has come since the first look is looked at as well.
      const planned = await this.#planner.plan(name)
      for (const stored of planned.staying) this.#kept.add(stored)
      if (!this.#isDryRun) await unlinkPlanned(this.#options, name, planned)
      return planned
    })
    const { tags, manifests, blobs } = plan
    if (tags.length + manifests.length + blobs.length === 0) return
    this.#note(name, plan)
    const upstream = await this.#planner.upstreamOf(name)
    for (const stored of manifests) await this.#free(stored, upstream)
    for (const stored of blobs) if ((await this.#free(stored, upstream)) > 0) this.#counts.blobs += 1
  }

  #note(repository: RepositoryName, { tags, manifests }: RepositoryPlan): void {
    const counts = this.#counts
    counts.repositories += 1
    counts.tags += tags.length
    counts.manifests += manifests.length
    const named = [
      ...tags.map((tag) => ({ repository, tag })),
      ...manifests.map((digest) => ({ repository, digest })),
    ]
    this.#items.push(...named.slice(0, MAX_ITEMS - this.#items.length))
  }

  /** Removes bytes that nobody needs. @returns how many */
  async #free(stored: Digest, upstream: string | undefined): Promise<number> {
    const { blobs, mirroredSize } = this.#options
    if (this.#kept.has(stored) || this.#linked.has(stored)) return 0
    const sizeBytes = await blobs.stat(stored)
    if (sizeBytes === undefined || !(await this.#remove(stored))) return 0
    this.#counts.bytes += sizeBytes
    if (!this.#isDryRun) mirroredSize.add(stored, upstream, -sizeBytes)
    return sizeBytes
  }

  async #remove(stored: Digest): Promise<boolean> {
    const { blobs, leases, owner } = this.#options
    if (this.#isDryRun) {
      if (this.#counted.has(stored)) return false
      this.#counted.add(stored)
      return true
    }
    const isRemoved = await leases.remove(stored, () =>
      blobs.removeIf(stored, async () => !this.#linked.has(stored) && (await owner.isAlone())),
    )
    return isRemoved === true
  }
}

/** Purges, one at a time. */
export class Purge {
  readonly #options: PurgeOptions
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: PurgeOptions) {
    this.#options = options
  }

  /**
   * Purges, when what was asked for before is done.
   * @throws RegistryError `NAME_UNKNOWN`, `MANIFEST_UNKNOWN`; `DENIED` with 409 for what is not to be had again, and while
   * another process works on the volume; StorageError
   */
  run(request: PurgeRequest): Promise<PurgeReport> {
    const run = this.#running.then(() => this.#run(request))
    this.#running = run.catch(() => {})
    return run
  }

  async #run(request: PurgeRequest): Promise<PurgeReport> {
    const { log, owner } = this.#options
    if (!request.isDryRun && !(await owner.isAlone())) throw conflict(new VolumeSharedError().message)
    return selectPlans(this.#options, request, async (planner) => {
      const report = await new PurgeRun(this.#options, planner, request.isDryRun).run()
      const { items, ...figures } = report
      if (!request.isDryRun) log.info(figures, 'purged')
      return report
    })
  }
}
