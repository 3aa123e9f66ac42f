/**
 * Reads of manifests (distribution-spec 1.1, Pulling manifests). By digest: memory, store, upstream. By tag: fresh from
 * the cache; else one upstream `HEAD` shared by all who ask meanwhile; an upstream that fails is stood in for by what is
 * cached. Bytes are kept and given exactly as they came.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Answer } from '../observe/read-meter.ts'
import type { Digest } from '../protocol/digest.ts'
import { isIndexType } from '../protocol/manifest.ts'
import { formatImage, type Reference, type Tag } from '../protocol/name.ts'
import type { Mirrored, Repository } from '../repository.ts'
import type { LinkStore } from '../store/links.ts'
import type { StoredManifest } from '../store/manifests.ts'
import type { MarkStore } from '../store/marks.ts'
import type { PullStore } from '../store/pulls.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import type { Deadlines } from './deadlines.ts'
import { formatWarning, toAnswer } from './failure.ts'
import { type Freshness, isFresh } from './freshness.ts'
import type { Governor } from './governor.ts'
import type { ManifestSource } from './manifest-source.ts'
import type { ManifestUses } from './manifest-uses.ts'
import type { Mending } from './mending.ts'
import type { MirrorStore } from './mirror-store.ts'
import type { Prefetch } from './prefetch.ts'
import { type FoundManifest, type PulledManifest, toFound, unknownManifest } from './pulled-manifest.ts'
import type { StoredManifests } from './stored-manifests.ts'

/** What reads of manifests work with. */
export interface ManifestPullOptions {
  readonly stored: StoredManifests
  readonly source: ManifestSource
  readonly links: LinkStore
  readonly marks: MarkStore
  readonly mirror: MirrorStore
  readonly mending: Mending
  readonly prefetch: Prefetch
  readonly uses: ManifestUses
  readonly pulls: PullStore
  readonly coordinator: Coordinator
  readonly freshness: Freshness
  readonly governor: Governor
  readonly deadlines: Deadlines
  /** Whether a tag that the upstream says is gone is still served. */
  readonly keepsGone: boolean
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Answers reads of manifests. */
export class ManifestPull {
  readonly #options: ManifestPullOptions

  constructor(options: ManifestPullOptions) {
    this.#options = options
  }

  /**
   * A manifest by tag or digest.
   * @param isHead nobody needs the bytes: a manifest that is not stored costs one upstream `HEAD` and no `GET`
   * @throws RegistryError `MANIFEST_UNKNOWN`, `TOOMANYREQUESTS`, or `UNAVAILABLE` with 502 or 504
   */
  async get(repository: Repository, reference: Reference, isHead: boolean): Promise<PulledManifest> {
    const pulled =
      reference.kind === 'digest'
        ? await this.#byDigest(repository, reference.digest, isHead)
        : await this.#byTag(repository, reference.tag, isHead)
    if (pulled === undefined) throw unknownManifest(repository, reference)
    const { digest, bytes, mediaType } = pulled
    this.#options.pulls.note(repository.name, { reference, digest, isIndex: isIndexType(mediaType), isHead })
    if (bytes === undefined) return pulled
    this.#options.uses.note(repository.name, digest, bytes)
    if (!isHead && repository.kind !== 'local') this.#options.prefetch.noteManifest(repository, digest, bytes)
    return pulled
  }

  /** The same answer as before is given to somebody else. */
  noteRepeat(repository: Repository, reference: Reference, pulled: PulledManifest, isHead: boolean): void {
    const { metrics, pulls } = this.#options
    const { digest, mediaType, answer } = pulled
    metrics.readMeter.answered('manifest', answer, repository.kind !== 'local')
    pulls.note(repository.name, { reference, digest, isIndex: isIndexType(mediaType), isHead })
  }

  /**
   * Asks the upstream now what a tag points at, however fresh the cached answer is, and keeps what it says.
   * @returns what it points at
   * @throws RegistryError as {@link get}; a tag that is gone there is gone here, too
   */
  async refresh(repository: Mirrored, tag: Tag): Promise<Digest> {
    const { coordinator, deadlines, keepsGone, links, mirror, stored } = this.#options
    const { name, origin } = repository
    const reference = { kind: 'tag', tag } as const
    try {
      const { digest } = await coordinator.once(`resolve ${name}:${tag}`, () =>
        origin.upstream.resolve(origin.name, reference, { deadlineMs: deadlines.answerMs }),
      )
      await mirror.noteTag(repository, tag, digest)
      if ((await stored.byDigest(repository, digest)) === undefined)
        await this.#fetchBytes(repository, { kind: 'digest', digest })
      return digest
    } catch (error) {
      const isGone = error instanceof UpstreamError && error.kind === 'absent'
      if (isGone && repository.kind === 'mirrored' && !keepsGone) await links.removeTag(name, tag)
      throw toAnswer(error, 'manifest')
    }
  }

  async #byDigest(
    repository: Repository,
    digest: Digest,
    isHead: boolean,
  ): Promise<PulledManifest | undefined> {
    const stored = await this.#options.stored.byDigest(repository, digest)
    if (stored !== undefined)
      return this.#answered(repository, 'hit', toFound(stored), Number.POSITIVE_INFINITY)
    if (repository.kind === 'local') return this.#fetchElsewhere(repository, digest, isHead)
    return this.#fetch(repository, { kind: 'digest', digest }, isHead)
  }

  async #byTag(repository: Repository, tag: Tag, isHead: boolean): Promise<PulledManifest | undefined> {
    if (repository.kind === 'local') return this.#byLocalTag(repository, tag, isHead)
    const cached = await this.#options.stored.find(repository, { kind: 'tag', tag })
    if (cached === undefined) return this.#fetch(repository, { kind: 'tag', tag }, isHead)
    const asked = await this.#options.marks.readAsked(repository.name, tag)
    const freshForMs = this.#options.freshness(tag)
    const isSame = asked?.digest === cached.digest
    if (freshForMs > 0 && isSame && isFresh(asked.atMs, freshForMs, this.#options.now()))
      return this.#answered(repository, 'hit', toFound(cached), asked.atMs + freshForMs)
    const mayHead = this.#options.governor.mayAskUncounted(repository.origin.upstream)
    const spared = mayHead ? undefined : await this.#spare(repository, tag, cached)
    return spared ?? this.#revalidate(repository, tag, cached, isHead)
  }

  async #byLocalTag(repository: Repository, tag: Tag, isHead: boolean): Promise<PulledManifest | undefined> {
    const digest = await this.#options.stored.readTag(repository, tag)
    return digest && this.#byDigest(repository, digest, isHead)
  }

  /** What a local repository has, and of which the bytes are gone: from an upstream that happens to have it as well. */
  async #fetchElsewhere(
    { name }: Repository,
    digest: Digest,
    isHead: boolean,
  ): Promise<PulledManifest | undefined> {
    const { links, mending } = this.#options
    const stored = await links.findManifest(name, digest)
    const elsewhere = stored && (await mending.findElsewhere(stored))
    return elsewhere && this.#fetch(elsewhere, { kind: 'digest', digest }, isHead)
  }

  /** Has a manifest written anew whose bytes were rotten; that is done when the mirror has settled. */
  async refetch(repository: Mirrored, digest: Digest): Promise<void> {
    const { source, deadlines, mirror } = this.#options
    const asking = { deadlineMs: deadlines.answerMs }
    const { manifest, answer } = await source.load(repository, { kind: 'digest', digest }, asking)
    // It is still in memory, where it was verified.
    if (answer === 'hit') mirror.keepManifest(repository, manifest)
  }

  /** Asks the upstream what a cached tag points at now. */
  async #revalidate(
    repository: Mirrored,
    tag: Tag,
    cached: StoredManifest,
    isHead: boolean,
  ): Promise<PulledManifest | undefined> {
    const { source, deadlines } = this.#options
    try {
      const tagged = { kind: 'tag', tag } as const
      const { stat: current } = await source.resolve(repository, tagged, { deadlineMs: deadlines.cachedMs })
      if (current.digest === cached.digest) return this.#answered(repository, 'hit', toFound(cached))
      const moved = await this.#options.stored.byDigest(repository, current.digest)
      const reference = { kind: 'digest', digest: current.digest } as const
      if (moved !== undefined) return this.#answered(repository, 'hit', toFound(moved))
      const spared = await this.#spare(repository, tag, cached)
      if (spared !== undefined) return spared
      if (isHead) return this.#answered(repository, 'miss', { ...current, bytes: undefined })
      return await this.#fetchBytes(repository, reference)
    } catch (error) {
      return this.#standIn(repository, tag, cached, error)
    }
  }

  /** The cached answer where few pulls are left: those are kept for what nobody has cached. */
  async #spare(repository: Mirrored, tag: Tag, cached: StoredManifest): Promise<PulledManifest | undefined> {
    const { governor, marks, metrics } = this.#options
    const { upstream } = repository.origin
    const asked = await marks.readAsked(repository.name, tag)
    const confirmedAtMs = asked?.digest === cached.digest ? asked.atMs : undefined
    if (!governor.spares(upstream, confirmedAtMs)) return undefined
    metrics.staleAnswers.inc({ cause: 'budget' })
    const warning = formatWarning({ message: governor.describe(upstream) })
    return this.#answered(repository, 'stale', { ...toFound(cached), warning })
  }

  /** The cached answer in place of an upstream that failed; nothing where the upstream says that the tag is gone. */
  async #standIn(
    repository: Mirrored,
    tag: Tag,
    cached: StoredManifest,
    error: unknown,
  ): Promise<PulledManifest | undefined> {
    const { log, metrics, keepsGone, links } = this.#options
    if (!(error instanceof UpstreamError)) throw error
    const isGone = error.kind === 'absent'
    if (isGone && repository.kind === 'mirrored' && !keepsGone) {
      await links.removeTag(repository.name, tag)
      return undefined
    }
    if (isGone) return this.#answered(repository, 'hit', toFound(cached))
    metrics.staleAnswers.inc({ cause: error.kind })
    log.warn({ err: error, repository: repository.name, tag }, 'tag served stale')
    return this.#answered(repository, 'stale', { ...toFound(cached), warning: formatWarning(error) })
  }

  /** What is not stored: by one upstream `HEAD`, or one `GET` without a `HEAD` before it. */
  async #fetch(repository: Mirrored, reference: Reference, isHead: boolean): Promise<PulledManifest> {
    const { coordinator } = this.#options
    const image = formatImage(repository.name, reference)
    if ((await coordinator.recall(`absent ${image}`)) !== undefined)
      throw unknownManifest(repository, reference)
    try {
      if (!isHead) return await this.#fetchBytes(repository, reference)
      return await this.#fetchHead(repository, reference)
    } catch (error) {
      const isAbsent = error instanceof UpstreamError && error.kind === 'absent'
      if (isAbsent) await coordinator.remember(`absent ${image}`, true, this.#options.deadlines.absentForMs)
      throw toAnswer(error, 'manifest')
    }
  }

  async #fetchHead(repository: Mirrored, reference: Reference): Promise<PulledManifest> {
    const { source, deadlines } = this.#options
    const { stat, answer } = await source.resolve(repository, reference, { deadlineMs: deadlines.answerMs })
    return this.#answered(repository, answer, { ...stat, bytes: undefined })
  }

  async #fetchBytes(repository: Mirrored, reference: Reference): Promise<PulledManifest> {
    const { source, deadlines } = this.#options
    const { manifest, answer } = await source.load(repository, reference, { deadlineMs: deadlines.answerMs })
    return this.#answered(repository, answer, toFound(manifest))
  }

  #answered(
    repository: Repository,
    answer: Answer,
    found: FoundManifest,
    freshUntilMs?: number,
  ): PulledManifest {
    this.#options.metrics.readMeter.answered('manifest', answer, repository.kind !== 'local')
    return freshUntilMs === undefined ? { ...found, answer } : { ...found, answer, freshUntilMs }
  }
}
