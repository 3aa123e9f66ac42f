/** What one repository has: its tags and manifests, how large they are, when they were used, and what a purge would free. */
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import type { Reference, RepositoryName, Tag } from '../protocol/name.ts'
import { cutPage } from '../protocol/page.ts'
import { type Freshness, isFresh } from '../pull/freshness.ts'
import type { Repositories } from '../repository.ts'
import type { MarkStore } from '../store/marks.ts'
import type { PinStore } from '../store/pins.ts'
import type { PullStore, RepositoryPulls } from '../store/pulls.ts'
import type { UseStore } from '../store/uses.ts'
import {
  type Graph,
  type GraphParts,
  type ManifestNode,
  manifestNode,
  type Node,
  nodesOf,
  reach,
  readGraph,
  tagNode,
} from './graph.ts'
import { ownBytesOf } from './own-bytes.ts'
import { nodeOf } from './purge-plan.ts'
import type { Sharing } from './sharing.ts'
import { toTime } from './times.ts'
import { findUses } from './used-at.ts'

/** Manifests that one answer tells of. */
const MAX_MANIFESTS = 1000

/** Where it is looked up. */
export interface ContentsOptions extends GraphParts {
  readonly repositories: Pick<Repositories, 'classify'>
  readonly marks: Pick<MarkStore, 'readAsked'>
  readonly pins: Pick<PinStore, 'list'>
  readonly pulls: Pick<PullStore, 'read'>
  readonly uses: Pick<UseStore, 'read'>
  readonly sharing: Pick<Sharing, 'isShared'>
  readonly freshness: Freshness
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Which tags are wanted. */
export interface ContentsRequest {
  readonly limit: number
  readonly after: string | undefined
  readonly signal: AbortSignal
}

/** Everything that is known of a repository while an answer is put together. */
interface Known {
  readonly graph: Graph
  readonly pins: readonly Reference[]
  readonly ownBytes: ReadonlyMap<Node, number>
  readonly pulls: RepositoryPulls
  readonly uses: ReadonlyMap<Digest, number>
}

const sizeOf = (graph: Graph, nodes: Iterable<Node>): number => {
  const sizes = new Map<string, number>()
  for (const node of nodes) {
    const stored = node.slice(2) as Digest
    const found = node[0] === 'm' ? graph.manifests.get(stored) : graph.blobs.get(stored)
    if (node[0] !== 't' && found !== undefined) sizes.set(stored, found.sizeBytes)
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** Bytes that are stored of a tag or a manifest and everything it needs. */
const sizeBelow = (graph: Graph, node: Node): number => sizeOf(graph, reach(graph, [node], new Set()))

/** The platforms of an index that are stored here. */
const platformsOf = (graph: Graph, { isIndex, children }: ManifestNode): string[] | undefined => {
  if (!isIndex) return undefined
  const here = children.filter(({ digest }) => graph.manifests.has(graph.findManifest(digest)))
  return here.flatMap(({ platform }) =>
    platform === undefined || platform.os === 'unknown'
      ? []
      : [[platform.os, platform.architecture, platform.variant].filter((part) => part).join('/')],
  )
}

/** Tells what repositories have. */
export class Contents {
  readonly #options: ContentsOptions

  constructor(options: ContentsOptions) {
    this.#options = options
  }

  /** @throws RegistryError `NAME_UNKNOWN`; StorageError, the signal's reason */
  async describe(name: RepositoryName, { limit, after, signal }: ContentsRequest) {
    const { links, pins, pulls, repositories, uses } = this.#options
    if (!(await links.hasRepository(name)))
      throw new RegistryError('NAME_UNKNOWN', { message: `nothing of a repository ${name} is stored here` })
    const standing = await repositories.classify(name)
    const graph = await readGraph(this.#options, name, signal)
    const pinned = await pins.list(name)
    const ownBytes = await this.#ownBytes(graph, pinned)
    const { items, next } = cutPage([...graph.tags.keys()], { limit, after })
    const shown = this.#manifestsFor(graph, items as Tag[])
    const targets = (items as Tag[]).flatMap((tag) => graph.findManifest(graph.tags.get(tag) as Digest))
    const known: Known = {
      graph,
      pins: pinned,
      ownBytes,
      pulls: await pulls.read(name),
      uses: await findUses(uses, new Set([...shown, ...targets])),
    }
    return {
      name: name as string,
      kind: standing.kind,
      upstream: standing.kind === 'mirrored' ? standing.upstream.name : undefined,
      tags: await Promise.all((items as Tag[]).map((tag) => this.#describeTag(known, tag))),
      next,
      manifests: shown.map((stored) => describeManifest(known, stored)),
      tagCount: graph.tags.size,
      manifestCount: graph.manifests.size,
      sizeBytes: sizeOf(graph, nodesOf(graph)),
    }
  }

  async #ownBytes(graph: Graph, pins: readonly Reference[]): Promise<Map<Node, number>> {
    const isShared = await this.#options.sharing.isShared()
    const held = pins.flatMap((pin) => (pin.kind === 'digest' ? (nodeOf(graph, pin) ?? []) : []))
    return ownBytesOf(graph, isShared, new Set(held))
  }

  /** Those that the tags lead to, then others, as many as one answer takes. */
  #manifestsFor(graph: Graph, tags: readonly Tag[]): Digest[] {
    const reached = reach(graph, tags.map(tagNode), new Set())
    const first = [...graph.manifests.keys()].filter((stored) => reached.has(manifestNode(stored)))
    return [...new Set([...first.sort(), ...[...graph.manifests.keys()].sort()])].slice(0, MAX_MANIFESTS)
  }

  async #describeTag({ graph, pins, ownBytes, pulls, uses }: Known, tag: Tag) {
    const { freshness, marks, now } = this.#options
    const digest = graph.tags.get(tag) as Digest
    const stored = graph.findManifest(digest)
    const manifest = graph.manifests.get(stored)
    const asked = await marks.readAsked(graph.name, tag)
    const isCurrent = asked?.digest === digest
    return {
      tag: tag as string,
      digest: digest as string,
      mediaType: manifest?.mediaType ?? '',
      platforms: manifest && platformsOf(graph, manifest),
      sizeBytes: sizeBelow(graph, tagNode(tag)),
      ownBytes: ownBytes.get(tagNode(tag)) ?? 0,
      askedAt: toTime(asked?.atMs),
      isFresh: asked && isCurrent && isFresh(asked.atMs, freshness(tag), now()),
      usedAt: toTime(pulls.tags.get(tag)?.usedAtMs ?? uses.get(stored)),
      pulls: pulls.tags.get(tag)?.pulls ?? 0,
      isPinned: pins.some((pin) => pin.kind === 'tag' && pin.tag === tag),
    }
  }
}

const describeManifest = ({ graph, pins, ownBytes, uses }: Known, stored: Digest) => {
  const { names, mediaType } = graph.manifests.get(stored) as ManifestNode
  const node = manifestNode(stored)
  return {
    digest: stored as string,
    mediaType,
    sizeBytes: sizeBelow(graph, node),
    ownBytes: ownBytes.get(node) ?? 0,
    usedAt: toTime(uses.get(stored)),
    isPinned: pins.some((pin) => pin.kind === 'digest' && names.includes(pin.digest)),
    tags: [...graph.tags].flatMap(([tag, digest]) =>
      graph.findManifest(digest) === stored ? [tag as string] : [],
    ),
  }
}
