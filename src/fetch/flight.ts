/**
 * One download of one digest, whoever asked for it. The flight writes a partial and hashes what passes; its readers read
 * the partial. It outlives them.
 *
 *     opening ──> streaming ──> verified ──> stored     everything went well
 *        │            ├──────> stopped                  the disk takes no more: readers go on at the upstream
 *        └────────────┴──────> failed                   the upstream gave up, or the bytes were wrong
 */
import type { Hash } from 'node:crypto'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { algorithmOf, createDigester, type Digest, finishDigest } from '../protocol/digest.ts'
import { StorageError } from '../store/driver.ts'
import { SlabWriter } from '../store/slabs.ts'
import { type Priority, type Upstream, UpstreamError } from '../upstream/upstream.ts'
import type { Partial } from './partial.ts'
import type { Partials } from './partials.ts'
import { Passthrough } from './passthrough.ts'
import { FlightReader } from './reader.ts'
import { type Clock, readUpstream } from './source.ts'

/** Piece in which a leftover is read back, in bytes. */
const READ_BACK_BYTES = 1024 * 1024

const RANGE_NOT_SATISFIABLE = 416

/** What a flight works with. */
export interface FlightTools {
  readonly partials: Partials
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  /** How long a download goes on without one new byte, in milliseconds. */
  readonly giveUpAfterMs: number
  /** Whether a flight ends when its last reader leaves; its partial stays. */
  readonly abandons: boolean
}

/** What a flight is to fetch, and what becomes of it. */
export interface FlightPlan {
  readonly digest: Digest
  readonly upstream: Upstream
  /** Repository name at the upstream. */
  readonly name: string
  /** Size in bytes as a descriptor told it; used where the upstream does not tell. */
  readonly sizeBytes?: number | undefined
  readonly priority: Priority
  /** Takes over the finished file, whose bytes lie under `stored` from then on. */
  readonly store: (file: string, stored: Digest) => Promise<void>
}

/** A download in progress. */
export class Flight {
  readonly plan: FlightPlan
  /** Resolves when the upstream has answered; rejects with the UpstreamError that it failed with before. */
  readonly answered: Promise<void>
  /** Resolves when nothing is under way any more, however it ended: `true` where the blob is stored. */
  readonly ended: Promise<boolean>
  readonly #tools: FlightTools
  readonly #abort = new AbortController()
  #priority: Priority
  #sizeBytes: number | undefined
  #partial: Partial | undefined
  #hash: Hash
  #isStopped = false
  #readers = 0
  #settleAnswer: (error?: unknown) => void = () => {}

  constructor(plan: FlightPlan, tools: FlightTools) {
    this.plan = plan
    this.#tools = tools
    this.#priority = plan.priority
    this.#hash = createDigester(algorithmOf(plan.digest))
    this.answered = new Promise((resolve, reject) => {
      this.#settleAnswer = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Nobody may be waiting: a prefetch that fails is logged, not thrown.
    this.answered.catch(() => {})
    this.ended = this.#fly()
  }

  /** Size of the whole in bytes; `undefined` where nobody knows it yet. */
  get sizeBytes(): number | undefined {
    return this.#sizeBytes
  }

  /** Bytes on disk so far. */
  get writtenBytes(): number {
    return this.#partial?.written ?? 0
  }

  /** Another reader. Call it when {@link answered} has resolved. */
  open(): FlightReader {
    this.#readers += 1
    return new FlightReader(this.plan.digest, this.#sizeBytes, this.#partial, {
      goOn: (position) => this.#goOn(position),
      onClose: () => this.#onReaderClose(),
    })
  }

  /** A client waits for what was begun as a prefetch. */
  promote(): void {
    this.#priority = 'client'
  }

  /** Ends the download; what is on disk stays for the next one. */
  abort(): void {
    this.#abort.abort(new UpstreamError('unreachable', `the fetch of ${this.plan.digest} was ended`))
  }

  async #fly(): Promise<boolean> {
    const { metrics } = this.#tools
    metrics.fetchesActive.inc()
    try {
      await this.#openPartial()
      const partial = this.#partial
      if (partial === undefined || this.#isWhole(partial)) await this.#learnSize()
      else if (!(await this.#download(partial))) return false
      return partial === undefined ? false : await this.#keep(partial)
    } catch (error) {
      await this.#fail(error)
      return false
    } finally {
      metrics.fetchesActive.dec()
      await this.#partial?.release()
    }
  }

  async #openPartial(): Promise<void> {
    try {
      this.#partial = await this.#tools.partials.open(this.plan.digest)
      await this.#hashLeftover(this.#partial)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#tools.log.warn(
        { err: error, digest: this.plan.digest },
        'cannot write to the store: passing the blob through, uncached',
      )
      this.#isStopped = true
    }
  }

  async #hashLeftover(partial: Partial): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, partial.written))
    for (let position = 0; position < partial.written; ) {
      const length = await partial.readBack(buffer, position)
      if (length === 0) throw new StorageError('io', 'a partial file is shorter than it was')
      this.#hash.update(buffer.subarray(0, length))
      position += length
    }
    if (partial.written > 0) this.#noteResume(undefined, partial.written)
  }

  /** Whether a dead process left all of the blob: it ended between the last byte and the final name. */
  #isWhole(partial: Partial): boolean {
    const { digest } = this.plan
    return partial.written > 0 && finishDigest(algorithmOf(digest), this.#hash.copy()) === digest
  }

  /** Downloads into the partial. @returns whether all of it is there: `false` where the disk took no more */
  async #download(partial: Partial): Promise<boolean> {
    const { metrics } = this.#tools
    const writer = new SlabWriter(partial, this.#hash, (bytes) =>
      metrics.proxyPulledBytes.inc({ type: 'blob' }, bytes),
    )
    try {
      for await (const chunk of this.#read(partial.written)) await writer.add(chunk)
      await writer.finish()
      this.#hash = writer.hash
      return true
    } catch (error) {
      await writer.abandon()
      if (!(error instanceof StorageError)) throw error
      this.#hash = writer.hash
      await this.#stop(partial, error)
      return false
    }
  }

  #read(from: number): AsyncGenerator<Buffer, void, void> {
    const { upstream, name, digest } = this.plan
    const { clock, giveUpAfterMs } = this.#tools
    return readUpstream({
      upstream,
      name,
      digest,
      from,
      priority: () => this.#priority,
      signal: this.#abort.signal,
      giveUpAfterMs,
      clock,
      onSize: (sizeBytes) => this.#onSize(sizeBytes),
      onResume: (error, position) => this.#noteResume(error, position),
    })
  }

  #onSize(sizeBytes: number | undefined): void {
    this.#sizeBytes = sizeBytes ?? this.plan.sizeBytes
    if (this.#sizeBytes !== undefined) this.#partial?.expect(this.#sizeBytes)
    this.#settleAnswer()
  }

  /** Where nothing is downloaded (no writable disk, or all is here) the size is still wanted, and that the blob is there. */
  async #learnSize(): Promise<void> {
    const { upstream, name, digest } = this.plan
    const found = await upstream.stat(name, digest, { signal: this.#abort.signal })
    if (found === undefined)
      throw new UpstreamError('absent', `${upstream.name} has no blob ${digest} in ${name}`)
    this.#onSize(found.sizeBytes)
  }

  async #keep(partial: Partial): Promise<boolean> {
    const { digest, store } = this.plan
    const found = finishDigest(algorithmOf(digest), this.#hash.copy())
    if (found !== digest)
      throw new UpstreamError('corrupt', `${this.#origin()} sent bytes of ${found} as ${digest}`)
    partial.seal()
    this.#settleAnswer()
    try {
      await store(partial.path, digest.startsWith('sha256:') ? digest : await this.#canonicalDigest(partial))
    } catch (error) {
      // Every reader has the whole already: the blob is merely not kept.
      this.#tools.log.error(
        { err: error, digest },
        'fetched blob could not be stored: the next pull fetches it again',
      )
      await this.#tools.partials.discard(partial)
      return false
    }
    this.#tools.metrics.fetches.inc({ outcome: 'completed' })
    return true
  }

  /** Bytes lie under their sha256 digest whatever they are called. */
  async #canonicalDigest(partial: Partial): Promise<Digest> {
    this.#hash = createDigester('sha256')
    await this.#hashLeftover(partial)
    return finishDigest('sha256', this.#hash)
  }

  async #stop(partial: Partial, error: StorageError): Promise<void> {
    const { log, partials, metrics } = this.#tools
    log.warn(
      { err: error, digest: this.plan.digest },
      'the disk takes no more: passing the rest of the blob through, uncached',
    )
    metrics.fetches.inc({ outcome: 'failed' })
    this.#isStopped = true
    partial.stop()
    await partials.discard(partial)
  }

  async #fail(error: unknown): Promise<void> {
    const { log, metrics, partials } = this.#tools
    const isCorrupt = error instanceof UpstreamError && error.kind === 'corrupt'
    metrics.fetches.inc({ outcome: isCorrupt ? 'corrupt' : 'failed' })
    if (isCorrupt) metrics.corruptFetches.inc({ upstream: this.plan.upstream.name })
    // A leftover behind whose end the upstream has nothing would be in the way of every later fetch.
    const isUseless = isCorrupt || (error instanceof UpstreamError && error.status === RANGE_NOT_SATISFIABLE)
    if (isUseless && this.#partial !== undefined) await partials.discard(this.#partial).catch(() => {})
    const level = error instanceof UpstreamError && error.kind === 'absent' ? 'debug' : 'error'
    log[level](
      { err: error, digest: this.plan.digest, from: this.#origin(), written: this.writtenBytes },
      'fetch failed',
    )
    this.#partial?.fail(error)
    this.#settleAnswer(error)
  }

  #noteResume(error: UpstreamError | undefined, position: number): void {
    const { log, metrics } = this.#tools
    metrics.fetchResumes.inc()
    log.info({ err: error, digest: this.plan.digest, from: this.#origin(), position }, 'fetch goes on')
  }

  /** Where a reader goes on when the partial has stopped: its own transfer, verified if it has read all that went before. */
  #goOn(position: number): Passthrough | undefined {
    if (!this.#isStopped) return undefined
    const { upstream, name, digest } = this.plan
    const { clock, giveUpAfterMs } = this.#tools
    const hash = position === this.writtenBytes ? this.#hash.copy() : undefined
    return new Passthrough(
      { upstream, name, digest, from: position, priority: () => 'client', giveUpAfterMs, clock },
      hash,
    )
  }

  #onReaderClose(): void {
    this.#readers -= 1
    if (this.#readers === 0 && this.#tools.abandons) this.abort()
  }

  #origin(): string {
    return `${this.plan.upstream.name}/${this.plan.name}`
  }
}
