/**
 * Evicts the least recently used mirrored layers, those of all upstreams or of one. The store is looked through once for
 * thousands of them; what is used, pushed, mounted or asked for meanwhile is a candidate no more, and what is held, being
 * read, or not to be had again never goes.
 */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import type { Leases } from '../store/leases.ts'
import type { Owner } from '../store/owner.ts'
import { type Candidate, Candidates } from './candidates.ts'
import { VolumeSharedError } from './shared.ts'
import { type SurveyParts, surveyStore } from './survey.ts'

/** Time that looking through the store may take of all time, where it finds nothing to evict. */
const MAX_VAIN_SHARE = 0.05
/** Least time between two vain looks, in milliseconds; and where some were candidates until they were used meanwhile. */
const VAIN_EVERY_MS = 30_000
const BUSY_EVERY_MS = 1_000

/** What is evicted from, and with. */
export interface EvictorOptions extends SurveyParts {
  readonly leases: Leases
  readonly owner: Pick<Owner, 'isAlone'>
  readonly log: Logger
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How much is to go. */
export interface EvictRequest {
  readonly bytes: number
  /** Only what was fetched from there. */
  readonly upstream?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Evicts. */
export class Evictor {
  readonly #options: EvictorOptions
  /** Candidates of all upstreams, and of each of which some were to go. */
  readonly #choices = new Map<string | undefined, Candidates>()
  /** What was used while the store is looked through. */
  #touched: Set<Digest> | undefined
  /** Until when it is believed, by upstream, that there is nothing to evict. */
  readonly #vainUntilMs = new Map<string | undefined, number>()
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: EvictorOptions) {
    this.#options = options
    options.uses.watch((digest) => this.#onUse(digest))
  }

  /**
   * Evicts at least so many bytes, as far as there are any, after what was asked for before.
   * @returns bytes that are free now
   * @throws VolumeSharedError, StorageError, the signal's reason; what was evicted until then is gone
   */
  evict(request: EvictRequest): Promise<number> {
    return this.#alone(() => this.#evict(request))
  }

  /** Counts what is mirrored, by looking through the store. @throws as {@link evict} */
  count(signal?: AbortSignal): Promise<void> {
    return this.#alone(async () => {
      await this.#survey(undefined, signal)
    })
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#running.then(work)
    this.#running = run.catch(() => {})
    return run
  }

  async #evict({ bytes, upstream, signal }: EvictRequest): Promise<number> {
    let freed = 0
    let freedAtLook = -1
    while (freed < bytes) {
      const candidates = this.#choices.get(upstream)
      const candidate = candidates?.first()
      if (candidates !== undefined && candidate !== undefined) {
        signal?.throwIfAborted()
        if (await this.#evictOne(candidates, candidate)) freed += candidate.sizeBytes
      } else if (freed === freedAtLook || this.#options.now() < (this.#vainUntilMs.get(upstream) ?? 0)) {
        break
      } else {
        freedAtLook = freed
        await this.#look(upstream, signal)
      }
    }
    return freed
  }

  /** Makes a new choice. Where there is none to make, it is not tried again for a while. */
  async #look(upstream: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { now } = this.#options
    const startedAtMs = now()
    const hasBusy = await this.#survey(upstream, signal)
    if ((this.#choices.get(upstream)?.size ?? 0) > 0) return
    const pauseMs = hasBusy ? BUSY_EVERY_MS : VAIN_EVERY_MS
    const lastedMs = now() - startedAtMs
    this.#vainUntilMs.set(upstream, now() + Math.max(pauseMs, lastedMs / MAX_VAIN_SHARE))
  }

  async #evictOne(candidates: Candidates, candidate: Candidate): Promise<boolean> {
    const { blobs, leases, owner } = this.#options
    const { digest } = candidate
    if (!(await owner.isAlone())) throw new VolumeSharedError()
    const isGone = await leases.remove(digest, async () => {
      if (blobs.isOpen(digest)) return false
      return blobs.removeIf(digest, async () => candidates.has(digest) && (await owner.isAlone()))
    })
    for (const each of this.#choices.values()) each.drop(digest)
    if (isGone === true) this.#noteGone(candidate)
    return isGone === true
  }

  #noteGone({ digest, sizeBytes, usedAtMs, upstream }: Candidate): void {
    const { log, metrics, mirroredSize, now } = this.#options
    const unusedS = Math.max(0, now() - usedAtMs) / 1000
    mirroredSize.add(digest, upstream, -sizeBytes)
    metrics.evictedBlobs.inc()
    metrics.evictedBytes.inc(sizeBytes)
    metrics.evictedUnused.observe({}, unusedS)
    log.debug({ digest, sizeBytes, upstream, unusedS }, 'evicted')
  }

  /** @returns whether something would be a candidate if it had not been used meanwhile */
  async #survey(upstream: string | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const choices = this.#choices
    if (!choices.has(upstream)) choices.set(upstream, new Candidates())
    const touched = new Set<Digest>()
    this.#touched = touched
    try {
      const offer = (candidate: Candidate): void => {
        choices.get(undefined)?.offer(candidate)
        if (candidate.upstream !== undefined) choices.get(candidate.upstream)?.offer(candidate)
      }
      await surveyStore(this.#options, offer, signal)
    } finally {
      this.#touched = undefined
      for (const candidates of choices.values()) candidates.choose()
    }
    const hasBusy = [...touched].some((digest) => choices.get(upstream)?.has(digest) === true)
    for (const candidates of choices.values()) for (const digest of touched) candidates.drop(digest)
    return hasBusy
  }

  #onUse(digest: Digest): void {
    this.#touched?.add(digest)
    for (const candidates of this.#choices.values()) candidates.drop(digest)
  }
}
