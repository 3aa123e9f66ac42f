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
import { RegistryError } from '../protocol/error.ts'
import { formatImage, type Reference, type Tag } from '../protocol/name.ts'
import type { Origin, Repository } from '../repository.ts'
import type { LinkStore } from '../store/links.ts'
import type { ManifestStore, StoredManifest } from '../store/manifests.ts'
import type { MarkStore } from '../store/marks.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import type { Deadlines } from './deadlines.ts'
import { formatWarning, toAnswer } from './failure.ts'
import { type Freshness, isFresh } from './freshness.ts'
import type { ManifestUses } from './manifest-uses.ts'
import type { MirrorStore } from './mirror-store.ts'
import type { Prefetch } from './prefetch.ts'

/** A manifest, or what a `HEAD` of one tells. */
interface FoundManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly sizeBytes: number | undefined
  /** `undefined` where only the upstream's `HEAD` was asked. */
  readonly bytes: Buffer | undefined
  /** Value of the `Warning` header of a stale answer. */
  readonly warning?: string
}

/** A manifest and how it was found. */
export interface PulledManifest extends FoundManifest {
  readonly answer: Answer
}

/** What reads of manifests work with. */
export interface ManifestPullOptions {
  readonly manifests: ManifestStore
  readonly links: LinkStore
  readonly marks: MarkStore
  readonly mirror: MirrorStore
  readonly prefetch: Prefetch
  readonly uses: ManifestUses
  readonly coordinator: Coordinator
  readonly freshness: Freshness
  readonly deadlines: Deadlines
  /** Whether a tag that the upstream says is gone is still served. */
  readonly keepsGone: boolean
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

type Mirrored = Extract<Repository, { origin: Origin }>

const toFound = ({ digest, mediaType, bytes }: StoredManifest): FoundManifest => ({
  digest,
  mediaType,
  sizeBytes: bytes.length,
  bytes,
})

const unknown = (repository: Repository, reference: Reference): RegistryError =>
  new RegistryError('MANIFEST_UNKNOWN', {
    message: `manifest unknown: ${formatImage(repository.name, reference)}`,
    detail: reference.kind === 'tag' ? { Tag: reference.tag } : { digest: reference.digest },
  })

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
    if (pulled === undefined) throw unknown(repository, reference)
    const { digest, bytes } = pulled
    if (bytes === undefined) return pulled
    this.#options.uses.note(repository.name, digest, bytes)
    if (!isHead && repository.kind !== 'local') this.#options.prefetch.noteManifest(repository, digest, bytes)
    return pulled
  }

  async #byDigest(
    repository: Repository,
    digest: Digest,
    isHead: boolean,
  ): Promise<PulledManifest | undefined> {
    const stored = await this.#options.manifests.find(repository.name, digest)
    if (stored !== undefined) return this.#answered(repository, 'hit', toFound(stored))
    if (repository.kind === 'local') return undefined
    return this.#fetch(repository, { kind: 'digest', digest }, isHead)
  }

  async #byTag(repository: Repository, tag: Tag, isHead: boolean): Promise<PulledManifest | undefined> {
    const cached = await this.#findCached(repository, tag)
    if (repository.kind === 'local') return cached && this.#answered(repository, 'hit', toFound(cached))
    if (cached === undefined) return this.#fetch(repository, { kind: 'tag', tag }, isHead)
    const asked = await this.#options.marks.readAsked(repository.name, tag)
    const freshForMs = this.#options.freshness(tag)
    const isSame = asked?.digest === cached.digest
    if (freshForMs > 0 && isSame && isFresh(asked.atMs, freshForMs, this.#options.now()))
      return this.#answered(repository, 'hit', toFound(cached))
    return this.#revalidate(repository, tag, cached, isHead)
  }

  async #findCached(repository: Repository, tag: Tag): Promise<StoredManifest | undefined> {
    const digest = await this.#options.links.readTag(repository.name, tag)
    return digest === undefined ? undefined : this.#options.manifests.find(repository.name, digest)
  }

  #findKept(repository: Mirrored, reference: Reference): Promise<StoredManifest | undefined> {
    return reference.kind === 'tag'
      ? this.#findCached(repository, reference.tag)
      : this.#options.manifests.find(repository.name, reference.digest)
  }

  /** Asks the upstream what a cached tag points at now. */
  async #revalidate(
    repository: Mirrored,
    tag: Tag,
    cached: StoredManifest,
    isHead: boolean,
  ): Promise<PulledManifest | undefined> {
    const { name, origin } = repository
    try {
      const current = await this.#options.coordinator.once(`resolve ${name}:${tag}`, () =>
        origin.upstream.resolve(
          origin.name,
          { kind: 'tag', tag },
          { deadlineMs: this.#options.deadlines.cachedMs },
        ),
      )
      await this.#options.mirror.noteTag(repository, tag, current.digest)
      if (current.digest === cached.digest) return this.#answered(repository, 'hit', toFound(cached))
      const moved = await this.#options.manifests.find(name, current.digest)
      const reference = { kind: 'digest', digest: current.digest } as const
      if (moved !== undefined) return this.#answered(repository, 'hit', toFound(moved))
      if (isHead) return this.#answered(repository, 'miss', { ...current, bytes: undefined })
      return await this.#fetchBytes(repository, reference)
    } catch (error) {
      return this.#standIn(repository, tag, cached, error)
    }
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
    if ((await coordinator.recall(`absent ${image}`)) !== undefined) throw unknown(repository, reference)
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
    const { name, origin } = repository
    let answer: Answer = 'joined'
    const head = await this.#options.coordinator.once(`resolve ${formatImage(name, reference)}`, () => {
      answer = 'miss'
      return origin.upstream.resolve(origin.name, reference, { deadlineMs: this.#options.deadlines.answerMs })
    })
    if (reference.kind === 'tag') await this.#options.mirror.noteTag(repository, reference.tag, head.digest)
    return this.#answered(repository, answer, { ...head, bytes: undefined })
  }

  async #fetchBytes(repository: Mirrored, reference: Reference): Promise<PulledManifest> {
    const { name, origin } = repository
    const { coordinator, metrics, mirror } = this.#options
    const image = formatImage(name, reference)
    let answer: Answer = 'joined'
    const fetched = await coordinator.once(`manifest ${image}`, async () => {
      // Whoever looked before the last fetch ended and asks after it finds what that has kept.
      const kept = await this.#findKept(repository, reference)
      answer = kept === undefined ? 'miss' : 'hit'
      if (kept !== undefined) return kept
      const manifest = await origin.upstream.manifest(origin.name, reference, {
        deadlineMs: this.#options.deadlines.answerMs,
      })
      metrics.readMeter.pulled('manifest', manifest.bytes.length)
      mirror.keepManifest(repository, manifest, reference.kind === 'tag' ? reference.tag : undefined)
      return manifest
    })
    return this.#answered(repository, answer, toFound(fetched))
  }

  #answered(repository: Repository, answer: Answer, found: FoundManifest): PulledManifest {
    this.#options.metrics.readMeter.answered('manifest', answer, repository.kind !== 'local')
    return { ...found, answer }
  }
}
