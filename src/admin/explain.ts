/** What a pull of a reference would get, and why: for whoever wonders. Nobody is asked, and nothing changes. */
import { type Digest, digestOf } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { parseReference, parseTag, type Reference, type Tag } from '../protocol/name.ts'
import { type Freshness, isFresh } from '../pull/freshness.ts'
import type { Governor } from '../pull/governor.ts'
import type { Mirrored, Repositories, Repository } from '../repository.ts'
import type { MarkStore } from '../store/marks.ts'
import type { PinStore } from '../store/pins.ts'
import type { UpstreamHealth } from '../upstream/upstream.ts'
import { type Graph, type GraphParts, manifestNode, reach, readGraph } from './graph.ts'
import { nodeOf } from './purge-plan.ts'
import { toTime } from './times.ts'
import { stateOf, type UpstreamState } from './upstream-state.ts'

/** No bytes: stored, and none of them. */
const EMPTY = digestOf('')
/** Missing content that is named. */
const MAX_MISSING = 100

/** Where it is looked up. */
export interface ExplainOptions extends GraphParts {
  readonly repositories: Pick<Repositories, 'resolve'>
  readonly marks: Pick<MarkStore, 'readAsked'>
  readonly pins: Pick<PinStore, 'list'>
  readonly freshness: Freshness
  readonly governor: Governor
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * What a pull would come to:
 * - `hit`: the answer is here, and nobody is asked
 * - `ask`: it is here, and the upstream is asked whether it still holds
 * - `stale`: it is here, and given as it is, since the upstream is not well, or gives few more pulls
 * - `miss`: it is fetched
 * - `local`: it was pushed here, or is not here at all
 * - `refused`: by a rule or for its name
 */
export type Verdict = 'hit' | 'ask' | 'stale' | 'miss' | 'local' | 'refused'

/** A reference taken apart as clients do. */
interface Asked {
  readonly name: string
  readonly reference: Reference
}

const REFERENCE = /^(?<name>[^\s@]+?)(?::(?<tag>[\w][\w.-]*))?(?:@(?<digest>[^\s@]+))?$/

/** @throws RegistryError `NAME_INVALID`, `TAG_INVALID`, `DIGEST_INVALID` */
const takeApart = (text: string): Asked => {
  const { name = '', tag = 'latest', digest } = REFERENCE.exec(text)?.groups ?? {}
  const parsed = parseReference(digest ?? tag) ?? { kind: 'tag', tag: parseTag(tag) }
  // The address of this registry, or of any other by its port: no name has one.
  const [first = '', ...rest] = name.split('/')
  const isAddress = rest.length > 0 && (first.includes(':') || first === 'localhost')
  return { name: isAddress ? rest.join('/') : name, reference: parsed }
}

const UNWELL_REASONS: Readonly<Partial<Record<UpstreamState, string>>> = {
  unwell: 'does not answer',
  limited: 'has answered 429, and is not asked again for a while',
  outage: 'is declared down by an operator',
}

/** What is known of an answer that is here. */
interface Cached {
  readonly graph: Graph
  readonly digest: Digest | undefined
  readonly missing: readonly Digest[]
  readonly isPinned: boolean
}

/** Blobs and children that are named and not here. Of an index one child here is enough: clients ask for their own. */
const findMissing = (graph: Graph, digest: Digest): Digest[] => {
  const missing = new Set<Digest>()
  for (const node of reach(graph, [manifestNode(graph.findManifest(digest))], new Set())) {
    if (node[0] !== 'm') continue
    const manifest = graph.manifests.get(node.slice(2) as Digest)
    if (manifest === undefined) continue
    for (const blob of manifest.blobs)
      if ((graph.blobs.get(graph.findBlob(blob))?.sizeBytes ?? 0) === 0 && blob !== EMPTY) missing.add(blob)
    const children = manifest.children.map((child) => child.digest)
    if (children.length > 0 && !children.some((child) => graph.manifests.has(graph.findManifest(child))))
      for (const child of children) missing.add(child)
  }
  return [...missing]
}

/** Explains references. */
export class Explain {
  readonly #options: ExplainOptions

  constructor(options: ExplainOptions) {
    this.#options = options
  }

  /**
   * @param text a reference as a client writes it: `alpine:3`, `ghcr.io/org/app@sha256:…`; no tag means `latest`
   * @param ns the registry that the client says it means
   * @throws RegistryError `NAME_INVALID`, `TAG_INVALID`, `DIGEST_INVALID`; StorageError
   */
  async explain(text: string, ns: string | undefined, signal: AbortSignal) {
    const { name, reference } = takeApart(text)
    let repository: Repository
    try {
      repository = await this.#options.repositories.resolve(name, ns, undefined)
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code === 'NAME_INVALID') throw error
      return refused(text, name, error)
    }
    const cached = await this.#look(repository, reference, signal)
    const known = {
      reference: text,
      repository: repository.name as string,
      kind: repository.kind,
      digest: cached.digest as string | undefined,
      isComplete: cached.digest === undefined ? undefined : cached.missing.length === 0,
      missing: cached.missing.length === 0 ? undefined : cached.missing.slice(0, MAX_MISSING),
      isPinned: cached.isPinned,
    }
    return { ...known, ...(await this.#judge(repository, reference, cached)) }
  }

  async #look({ name }: Repository, reference: Reference, signal: AbortSignal): Promise<Cached> {
    const graph = await readGraph(this.#options, name, signal)
    const pins = await this.#options.pins.list(name)
    const same = (pin: Reference): boolean => nodeOf(graph, pin) === nodeOf(graph, reference)
    const digest = reference.kind === 'tag' ? graph.tags.get(reference.tag) : reference.digest
    const isHere = digest !== undefined && isStored(graph, digest)
    return {
      graph,
      digest: isHere ? digest : undefined,
      missing: isHere ? findMissing(graph, digest) : [],
      isPinned: pins.some((pin) => nodeOf(graph, pin) !== undefined && same(pin)),
    }
  }

  async #judge(repository: Repository, reference: Reference, cached: Cached) {
    if (repository.kind === 'local') return judgeLocal(cached)
    const { upstream, name: upstreamName } = repository.origin
    const health = upstream.health()
    const upstreamState = stateOf(health, this.#options.now())
    const about = { upstream: upstream.name, upstreamName: upstreamName as string, upstreamState }
    if (cached.digest === undefined) return { ...about, ...judgeMissing(repository, health) }
    const gaps =
      cached.missing.length === 0
        ? []
        : [`${cached.missing.length} of what it names is not here: fetched when asked for`]
    if (reference.kind === 'digest')
      return {
        ...about,
        verdict: 'hit' as Verdict,
        reasons: ['what a digest stands for never changes', ...gaps],
      }
    const judged = await this.#judgeTag(repository, reference.tag, cached, upstreamState)
    return { ...about, ...judged, reasons: [...judged.reasons, ...gaps] }
  }

  async #judgeTag(repository: Mirrored, tag: Tag, cached: Cached, state: UpstreamState) {
    const { freshness, governor, marks, now } = this.#options
    const asked = await marks.readAsked(repository.name, tag)
    const forMs = freshness(tag)
    const isCurrent = asked?.digest === cached.digest
    const freshUntilMs = asked && isCurrent && forMs > 0 ? asked.atMs + forMs : undefined
    const times = { askedAt: toTime(asked?.atMs), freshUntil: toTime(freshUntilMs) }
    const { upstream } = repository.origin
    const { name } = upstream
    if (asked && isCurrent && isFresh(asked.atMs, forMs, now()))
      return { ...times, verdict: 'hit' as Verdict, reasons: ['the tag is fresh: cache.freshness'] }
    const why =
      forMs === 0
        ? 'no freshness is configured for this tag: cache.freshness'
        : 'the last word of the upstream is older than cache.freshness'
    const problem = UNWELL_REASONS[state]
    const isSpared = governor.spares(upstream, isCurrent ? asked?.atMs : undefined)
    if (problem === undefined && isSpared) {
      const isAsked = governor.mayAskUncounted(upstream)
      const how = isAsked ? 'it is asked by HEAD, and a tag that has moved' : 'it is not asked, and a tag'
      const reasons = [why, `${governor.describe(upstream)}: ${how} is served as it was, for up to a day`]
      return { ...times, verdict: (isAsked ? 'ask' : 'stale') as Verdict, reasons }
    }
    if (problem === undefined)
      return {
        ...times,
        verdict: 'ask' as Verdict,
        reasons: [why, `${name} is asked by HEAD, which no pull limit counts`],
      }
    return {
      ...times,
      verdict: 'stale' as Verdict,
      reasons: [why, `${name} ${problem}: unless that has changed, what is here is served`],
    }
  }
}

const isStored = (graph: Graph, digest: Digest): boolean =>
  (graph.manifests.get(graph.findManifest(digest))?.sizeBytes ?? 0) > 0

const refused = (text: string, name: string, error: RegistryError) => ({
  reference: text,
  repository: name,
  kind: 'mirrored' as const,
  verdict: 'refused' as Verdict,
  reasons: [error.message],
  isPinned: false,
})

const judgeLocal = ({ digest, missing }: Cached) => ({
  verdict: 'local' as Verdict,
  reasons: [
    digest === undefined
      ? 'the repository is local and does not have it: 404, and nobody is asked'
      : 'it was pushed here',
    ...(missing.length > 0 ? [`${missing.length} of what it names is missing`] : []),
  ],
})

const judgeMissing = ({ origin }: Mirrored, { lastError }: UpstreamHealth) => ({
  verdict: 'miss' as Verdict,
  reasons: [
    `it is not here: ${origin.upstream.name} is asked for ${origin.name}`,
    ...(lastError === undefined ? [] : [`its last failure: ${lastError}`]),
  ],
})
