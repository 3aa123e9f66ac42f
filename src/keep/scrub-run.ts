/** One scrub, from where an earlier one was interrupted to the end of the store, see `scrub`. */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Digest, encodedOf } from '../protocol/digest.ts'
import { type StorageDriver, StorageError } from '../store/driver.ts'
import type { Owner } from '../store/owner.ts'
import { BUCKETS, bucketOf, bucketPrefix } from '../store/paths.ts'
import { digestsOfHexes } from './holders.ts'
import type { Pace } from './pace.ts'
import type { Repair, Verdict } from './repair.ts'
import type { ScrubCounts, ScrubPass } from './scrub-state.ts'
import { VolumeSharedError } from './shared.ts'

/** How often other processes are looked for, and the position is kept, in milliseconds. */
const LOOK_AROUND_EVERY_MS = 5_000
const KEEP_EVERY_MS = 30_000
/** Failures in a row that say nothing of any blob, after which a scrub ends. */
const MAX_FAILURES = 10

/** What is scrubbed, and with what. */
export interface ScrubParts {
  readonly driver: StorageDriver
  readonly owner: Pick<Owner, 'isAlone'>
  readonly repair: Repair
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How one run is done. */
export interface ScrubRules {
  readonly pace: Pace
  readonly signal: AbortSignal
  /** Keeps what has been done so far. */
  readonly keep: (pass: ScrubPass) => Promise<void>
  readonly onProgress: (progress: ScrubProgress) => void
}

/** How far a scrub has come. */
export interface ScrubProgress extends ScrubCounts {
  /** Part of the store that has been read, from 0 to 1: digests lie evenly. */
  readonly fraction: number
}

/** Part of the store that comes before a digest, from 0 to 1. */
export const fractionBefore = (digest: Digest): number =>
  Number.parseInt(encodedOf(digest).slice(0, 8), 16) / 2 ** 32

/** Runs it. */
export class ScrubRun {
  readonly #parts: ScrubParts
  readonly #rules: ScrubRules
  #pass: ScrubPass
  #lookedAtMs: number
  #keptAtMs: number
  #failures = 0

  constructor(parts: ScrubParts, rules: ScrubRules, pass: ScrubPass) {
    this.#parts = parts
    this.#rules = rules
    this.#pass = pass
    this.#lookedAtMs = parts.now()
    this.#keptAtMs = parts.now()
  }

  /** What was done so far. */
  get pass(): ScrubPass {
    return this.#pass
  }

  /** @throws VolumeSharedError, StorageError, the signal's reason */
  async run(): Promise<ScrubPass> {
    const first = this.#pass.position === undefined ? '' : bucketOf(this.#pass.position)
    for (const bucket of BUCKETS) if (bucket >= first) await this.#scrubBucket(bucket)
    return this.#pass
  }

  async #scrubBucket(bucket: string): Promise<void> {
    const { position } = this.#pass
    const after = position !== undefined && bucketOf(position) === bucket ? encodedOf(position) : undefined
    for (const digest of digestsOfHexes(await this.#parts.driver.list(bucketPrefix(bucket), after))) {
      this.#rules.signal.throwIfAborted()
      await this.#lookAround()
      await this.#scrubOne(digest)
      this.#rules.onProgress({ ...this.#pass, fraction: fractionBefore(digest) })
    }
  }

  async #scrubOne(digest: Digest): Promise<void> {
    const { pace, signal } = this.#rules
    await pace.file()
    try {
      const verdict = await this.#parts.repair.examine(digest, {
        pace: (bytes) => this.#onBytes(bytes),
        signal,
      })
      await this.#count(digest, verdict)
      this.#failures = 0
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      await this.#skip(digest, error)
    }
    await this.#keepNowAndThen()
  }

  async #onBytes(bytes: number): Promise<void> {
    this.#parts.metrics.scrubbedBytes.inc(bytes)
    this.#pass = { ...this.#pass, bytes: this.#pass.bytes + bytes }
    await this.#rules.pace.read(bytes)
  }

  async #count(digest: Digest, verdict: Verdict): Promise<void> {
    const pass = this.#pass
    const add = (counts: Partial<ScrubCounts>): void => {
      this.#pass = { ...this.#pass, ...counts, position: digest }
    }
    if (verdict.kind === 'gone') return add({})
    this.#parts.metrics.scrubbedBlobs.inc()
    const blobs = pass.blobs + 1
    if (verdict.kind === 'right') return add({ blobs })
    if (verdict.kind === 'stuck') return add({ blobs, left: pass.left + 1 })
    if (verdict.of === 'local') add({ blobs, rottenLocal: pass.rottenLocal + 1 })
    else add({ blobs, rottenMirrored: pass.rottenMirrored + 1 })
    if (await verdict.replaced) add({ repaired: pass.repaired + 1 })
  }

  async #skip(digest: Digest, error: StorageError): Promise<void> {
    this.#failures += 1
    if (this.#failures > MAX_FAILURES) throw error
    this.#parts.log.warn({ err: error, digest }, 'blob not scrubbed')
    this.#pass = { ...this.#pass, position: digest, left: this.#pass.left + 1 }
  }

  async #lookAround(): Promise<void> {
    const nowMs = this.#parts.now()
    if (nowMs - this.#lookedAtMs < LOOK_AROUND_EVERY_MS) return
    this.#lookedAtMs = nowMs
    if (!(await this.#parts.owner.isAlone())) throw new VolumeSharedError()
  }

  async #keepNowAndThen(): Promise<void> {
    const nowMs = this.#parts.now()
    if (nowMs - this.#keptAtMs < KEEP_EVERY_MS) return
    this.#keptAtMs = nowMs
    await this.#rules.keep(this.#pass)
  }
}
