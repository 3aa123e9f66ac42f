/** Which repositories a purge means, and what of each, see `purge`. */
import { filterRecent } from '../keep/recent.ts'
import { inLanes } from '../lanes.ts'
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { formatImage, isRepositoryName, type Reference, type RepositoryName } from '../protocol/name.ts'
import type { Standing } from '../repository.ts'
import { blobKey, layerLinkKey, revisionLinkKey } from '../store/paths.ts'
import type { PinStore } from '../store/pins.ts'
import type { UseStore } from '../store/uses.ts'
import { type Graph, type GraphParts, readGraph, readNames } from './graph.ts'
import type { NeedParts } from './needs.ts'
import { nodeOf, type Plan, planPurge, type Selection } from './purge-plan.ts'

/** What is to go: what fits all that is given. */
export interface PurgeRequest {
  readonly repository?: RepositoryName | undefined
  /** Of the repository. */
  readonly reference?: Reference | undefined
  /** Whether a repository of this name is meant. */
  readonly matches?: ((name: string) => boolean) | undefined
  /** Name or host of the upstream that a repository is mirrored from. */
  readonly upstream?: string | undefined
  /** What was not used for so long, in milliseconds. */
  readonly unusedForMs?: number | undefined
  readonly isDryRun: boolean
}

/** What plans are made from. */
export interface PlanParts extends NeedParts, GraphParts {
  readonly blobs: NeedParts['blobs']
  readonly links: NeedParts['links']
  readonly pins: Pick<PinStore, 'list'>
  readonly uses: UseStore
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What goes from a repository, with the names by which it has it. */
export interface RepositoryPlan extends Plan {
  /** Everything goes, so that nothing need be looked at one by one. */
  readonly isWhole: boolean
  readonly graph: Graph
}

/** Tells what is meant. */
export interface PurgePlanner {
  isMeant(name: RepositoryName): Promise<boolean>
  plan(name: RepositoryName): Promise<RepositoryPlan>
  /** Name of the upstream that it is mirrored from. */
  upstreamOf(name: RepositoryName): Promise<string | undefined>
}

/** What cannot be done as things are. */
export const conflict = (message: string): RegistryError =>
  new RegistryError('DENIED', { status: 409, message })

/** Refuses what cannot be purged, before anything is looked through. @throws RegistryError */
const requirePurgeable = async (
  { links }: PlanParts,
  name: RepositoryName,
  reference: Reference | undefined,
  standing: Standing,
): Promise<void> => {
  if (!(await links.hasRepository(name)))
    throw new RegistryError('NAME_UNKNOWN', { message: `nothing of a repository ${name} is stored here` })
  if (standing.kind === 'local')
    throw conflict(
      `${name} is local: what was pushed is deleted, with DELETE /v2/${name}/manifests/<digest> (storage.delete.enabled)`,
    )
  if (standing.kind === 'unclaimed')
    throw conflict(`${name} may be somebody's only copy: nobody has said yet that it is mirrored`)
  if (reference === undefined) return
  const isThere =
    reference.kind === 'tag'
      ? (await links.readTag(name, reference.tag)) !== undefined
      : ((await links.findManifest(name, reference.digest)) ??
          (await links.findBlob(name, reference.digest))) !== undefined
  if (!isThere)
    throw new RegistryError('MANIFEST_UNKNOWN', {
      message: `${formatImage(name, reference)} is not stored here`,
    })
}

class Planner implements PurgePlanner {
  readonly #parts: PlanParts
  readonly #request: PurgeRequest
  readonly #isRecent: ((stored: Digest) => boolean) | undefined

  constructor(parts: PlanParts, request: PurgeRequest, isRecent: ((stored: Digest) => boolean) | undefined) {
    this.#parts = parts
    this.#request = request
    this.#isRecent = isRecent
  }

  async isMeant(name: RepositoryName): Promise<boolean> {
    const { repository, matches, upstream } = this.#request
    if (!isRepositoryName(name) || (repository !== undefined && repository !== name)) return false
    if (matches?.(name) === false) return false
    const standing = await this.#parts.repositories.classify(name)
    if (standing.kind !== 'mirrored') return false
    return upstream === undefined || [standing.upstream.name, standing.upstream.host].includes(upstream)
  }

  async upstreamOf(name: RepositoryName): Promise<string | undefined> {
    const standing = await this.#parts.repositories.classify(name)
    return standing.kind === 'mirrored' ? standing.upstream.name : undefined
  }

  async plan(name: RepositoryName): Promise<RepositoryPlan> {
    const { reference } = this.#request
    const pins = await this.#parts.pins.list(name)
    const isWhole = pins.length === 0 && reference === undefined && this.#isRecent === undefined
    const graph = isWhole ? await readNames(this.#parts, name) : await readGraph(this.#parts, name)
    return { ...planPurge(graph, await this.#selectionIn(graph), pins), graph, isWhole }
  }

  async #selectionIn(graph: Graph): Promise<Selection> {
    const { reference } = this.#request
    const isUnused = this.#isRecent && (await this.#findUnused(graph, this.#isRecent))
    if (reference === undefined)
      return isUnused === undefined ? { kind: 'all' } : { kind: 'unused', isUnused }
    if (isUnused === undefined || isUnused(placeOf(graph, reference))) return { kind: 'reference', reference }
    return { kind: 'unused', isUnused: () => false }
  }

  /** What neither was used of late nor has come of late. */
  async #findUnused(
    graph: Graph,
    isRecent: (stored: Digest) => boolean,
  ): Promise<(stored: Digest) => boolean> {
    const { driver, now } = this.#parts
    const sinceMs = now() - (this.#request.unusedForMs ?? 0)
    const unused = new Set<Digest>()
    const look = (linkKeyOf: typeof layerLinkKey) => async (stored: Digest) => {
      if (isRecent(stored)) return
      const found = (await driver.stat(blobKey(stored))) ?? (await driver.stat(linkKeyOf(graph.name, stored)))
      if ((found?.modifiedAtMs ?? 0) < sinceMs) unused.add(stored)
    }
    await inLanes(graph.manifests.keys(), look(revisionLinkKey))
    await inLanes(graph.blobs.keys(), look(layerLinkKey))
    return (stored) => unused.has(stored)
  }
}

/** Where the bytes lie that a reference leads to. */
const placeOf = (graph: Graph, reference: Reference): Digest => {
  if (reference.kind === 'tag') return graph.findManifest(graph.tags.get(reference.tag) ?? ('' as Digest))
  return (nodeOf(graph, reference)?.slice(2) ?? '') as Digest
}

/**
 * Runs `work` with what plans the purge; uses are watched meanwhile.
 * @throws RegistryError for a repository or reference that cannot be purged, StorageError
 */
export const selectPlans = async <T>(
  parts: PlanParts,
  request: PurgeRequest,
  work: (planner: PurgePlanner) => Promise<T>,
): Promise<T> => {
  const { repository, reference, unusedForMs } = request
  const { repositories, uses, now } = parts
  if (repository !== undefined)
    await requirePurgeable(parts, repository, reference, await repositories.classify(repository))
  if (unusedForMs === undefined) return work(new Planner(parts, request, undefined))
  const touched = new Set<Digest>()
  const end = uses.watch((digest) => touched.add(digest))
  try {
    const recent = await filterRecent(uses, now() - unusedForMs)
    const isRecent = (stored: Digest): boolean => recent.has(stored) || touched.has(stored)
    return await work(new Planner(parts, request, isRecent))
  } finally {
    end()
  }
}
