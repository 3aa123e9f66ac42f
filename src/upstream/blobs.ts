/** Blobs of an upstream: whether it has one, and its bytes. */
import type { Digest } from '../protocol/digest.ts'
import { parseContentRange } from '../protocol/range.ts'
import { contentLengthOf, headerOf } from './answer.ts'
import type { Asks } from './asks.ts'
import { readBlobHead, type WantedRange } from './blob-head.ts'
import { shareDeadline } from './call.ts'
import { withDeadline } from './deadline.ts'
import { inContext, lateError } from './failure.ts'
import { Finding } from './finding.ts'
import type { UpstreamLimits } from './limits.ts'
import type { Release, TransferQueue } from './queue.ts'
import type { Repeat } from './repeat.ts'
import type { Reply } from './reply.ts'
import type { Ask, Requester } from './requester.ts'
import { BLOB_PLAN } from './retry.ts'
import { type BlobBody, type BlobOptions, type CallOptions, UpstreamError } from './upstream.ts'

/** What blobs work with. */
export interface BlobsOptions {
  readonly asks: Asks
  readonly requester: Requester
  readonly transfers: TransferQueue
  readonly repeat: Repeat
  readonly limits: UpstreamLimits
  /** Milliseconds, for what is believed for a while. */
  readonly now: () => number
}

/** What a `HEAD` or byte 0 told of a blob. */
interface BlobStat {
  readonly sizeBytes: number | undefined
}

const FIRST_SERVER_ERROR = 500

/** A "no" that may mean the HEAD and not the blob: caches and public.ecr.aws answer so for what they would serve. */
const isDoubtful = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError &&
  (error.kind === 'absent' ||
    (error.kind === 'status' && (error.status ?? FIRST_SERVER_ERROR) < FIRST_SERVER_ERROR))

const sizeOfPart = ({ status, headers }: Reply): number | undefined =>
  status === 206 ? parseContentRange(headerOf(headers, 'content-range'))?.sizeBytes : contentLengthOf(headers)

/** The blobs of one upstream. */
export class Blobs {
  readonly #options: BlobsOptions
  readonly #headIsUseless: Finding

  constructor(options: BlobsOptions) {
    this.#options = options
    this.#headIsUseless = new Finding(options.now)
  }

  /** See {@link Upstream.stat}. */
  async stat(name: string, digest: Digest, options: CallOptions): Promise<BlobStat | undefined> {
    const { asks, limits } = this.#options
    const share = shareDeadline(options, limits.callMs)
    const found = await this.#head(asks.blobHead(name, digest), share)
    if (found !== undefined) return found
    const probed = await this.#probe(asks.blobProbe(name, digest), share())
    if (probed !== undefined) this.#headIsUseless.note()
    return probed
  }

  /** See {@link Upstream.blob}. */
  async open(name: string, digest: Digest, options: BlobOptions): Promise<BlobBody> {
    const { asks, repeat, limits } = this.#options
    const { signal, from = 0, to, deadlineMs = Number.POSITIVE_INFINITY } = options
    const wanted = { from, to }
    const ask = asks.blob(name, digest, wanted)
    const startMs = performance.now()
    const release = await this.#takePlace(ask, options)
    const leftMs = () => Math.max(1, startMs + deadlineMs - performance.now())
    try {
      const once = () => this.#openOnce(ask, wanted, Math.min(limits.firstByteMs, leftMs()), signal, release)
      const lastTryMs = Math.min(limits.lastTryMs, leftMs())
      return await repeat({ plan: BLOB_PLAN, leftMs: lastTryMs, signal }, once)
    } catch (error) {
      release()
      throw error
    }
  }

  /** What a `HEAD` tells, or `undefined` where that is not to be relied on. */
  async #head(ask: Ask, share: () => CallOptions): Promise<BlobStat | undefined> {
    if (this.#headIsUseless.holds) return undefined
    try {
      const sizeBytes = contentLengthOf((await this.#options.requester.ask(ask, share())).headers)
      return sizeBytes === undefined ? undefined : { sizeBytes }
    } catch (error) {
      if (isDoubtful(error)) return undefined
      throw error
    }
  }

  async #probe(ask: Ask, options: CallOptions): Promise<BlobStat | undefined> {
    try {
      return { sizeBytes: sizeOfPart(await this.#options.requester.ask(ask, options)) }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      if (error.kind === 'absent') return undefined
      // Byte 0 of an empty blob cannot be had.
      if (error.status === 416) return { sizeBytes: 0 }
      throw error
    }
  }

  async #takePlace(ask: Ask, options: BlobOptions): Promise<Release> {
    const { transfers } = this.#options
    const { signal, deadlineMs, priority = 'client', promotion } = options
    if (deadlineMs === undefined) return await transfers.take(priority, signal, promotion)
    const late = () => inContext(lateError(deadlineMs), ask.what)
    return await withDeadline(deadlineMs, signal, late, (own) => transfers.take(priority, own, promotion))
  }

  /** One try. From its success on the place hangs on the body. */
  async #openOnce(
    ask: Ask,
    wanted: WantedRange,
    headMs: number,
    signal: AbortSignal | undefined,
    release: Release,
  ): Promise<BlobBody> {
    const answer = await this.#options.requester.open(ask, headMs, signal)
    const { body } = answer
    try {
      const head = readBlobHead(answer, wanted, ask.what)
      body.once('close', release)
      return { ...head, body }
    } catch (error) {
      body.destroy()
      throw error
    }
  }
}
