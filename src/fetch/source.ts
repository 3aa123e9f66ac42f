/**
 * The bytes of an upstream's blob as one uninterrupted sequence: an upstream that drops in mid-blob is asked again from
 * the byte where it was, through its registry URL, since a signed address may have expired. Nothing is verified here
 * but offsets and length; the digest is the caller's.
 */
import type { Digest } from '../protocol/digest.ts'
import { type BlobBody, type Priority, type Upstream, UpstreamError } from '../upstream/upstream.ts'
import { pauseBeforeResume } from './retry.ts'

/** How long a download goes on without one new byte, in milliseconds. */
export const GIVE_UP_RESUMING_AFTER_MS = 120_000

/** Time and chance, passed in so that tests need neither. */
export interface Clock {
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly random: () => number
}

/** Which bytes to read from where. */
export interface SourceOptions {
  readonly upstream: Upstream
  /** Repository name at the upstream. */
  readonly name: string
  readonly digest: Digest
  /** First byte. */
  readonly from: number
  /** Last byte, inclusive; default: to the end. */
  readonly to?: number
  /** Asked again for every request, so that a prefetch that somebody now waits for gets a better place. */
  readonly priority: () => Priority
  readonly signal: AbortSignal
  readonly giveUpAfterMs?: number
  readonly clock: Clock
  /** Called with the size of the whole blob at the first answer. */
  readonly onSize?: (sizeBytes: number | undefined) => void
  /** Called before each further request. */
  readonly onResume?: (error: UpstreamError, position: number) => void
}

/** The bytes of one answer from `position` on; a 200 to a range begins earlier, and is read past what is known. */
async function* freshBytes({ start, body }: BlobBody, position: number): AsyncGenerator<Buffer, void, void> {
  let skip = position - start
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (skip === 0) yield chunk
      else if (chunk.length > skip) yield chunk.subarray(skip)
      skip = Math.max(0, skip - chunk.length)
    }
  } finally {
    body.destroy()
  }
}

/** Where a sequence of answers stands. */
class Progress {
  readonly #options: SourceOptions
  #failures = 0
  #lastByteAtMs: number
  #isAnswered = false
  #sizeBytes: number | undefined
  position: number

  constructor(options: SourceOptions) {
    this.#options = options
    this.position = options.from
    this.#lastByteAtMs = options.clock.now()
  }

  /** First byte that is not wanted, where that is known. */
  get end(): number | undefined {
    return this.#options.to === undefined ? this.#sizeBytes : this.#options.to + 1
  }

  async ask(): Promise<BlobBody> {
    const { upstream, name, digest, signal, priority, onSize } = this.#options
    const to = this.end === undefined ? {} : { to: this.end - 1 }
    const answer = await upstream.blob(name, digest, {
      from: this.position,
      ...to,
      priority: priority(),
      signal,
    })
    if (!this.#isAnswered) {
      this.#isAnswered = true
      this.#sizeBytes = answer.sizeBytes
      onSize?.(answer.sizeBytes)
    } else if (answer.sizeBytes !== undefined && answer.sizeBytes !== (this.#sizeBytes ?? answer.sizeBytes)) {
      answer.body.destroy()
      throw new UpstreamError(
        'corrupt',
        `upstream said ${this.#sizeBytes} bytes first, ${answer.sizeBytes} later`,
      )
    }
    return answer
  }

  /** Takes note of new bytes, and cuts off what is beyond the wanted end. */
  take(chunk: Buffer): Buffer {
    this.#failures = 0
    this.#lastByteAtMs = this.#options.clock.now()
    this.position += chunk.length
    const excess = this.end === undefined ? 0 : this.position - this.end
    if (excess <= 0) return chunk
    // A 200 to a range that was to end earlier goes on after it; a whole blob that goes on is wrong.
    if (this.#options.to === undefined)
      throw new UpstreamError('corrupt', `upstream sent more than ${this.end} bytes`)
    this.position -= excess
    return chunk.subarray(0, chunk.length - excess)
  }

  get isComplete(): boolean {
    return this.end !== undefined && this.position >= this.end
  }

  /** Waits for the next try, or throws `error` where none is of use. */
  async pause(error: UpstreamError): Promise<void> {
    const { clock, signal, onResume, giveUpAfterMs = GIVE_UP_RESUMING_AFTER_MS } = this.#options
    this.#failures += 1
    const pauseMs = pauseBeforeResume({
      kind: error.kind,
      failures: this.#failures,
      sinceLastByteMs: clock.now() - this.#lastByteAtMs,
      giveUpAfterMs,
      retryAfterMs: error.retryAfterMs,
      random: clock.random(),
    })
    if (!this.#isAnswered || pauseMs === undefined) throw error
    onResume?.(error, this.position)
    await clock.sleep(pauseMs, signal)
  }
}

/**
 * Reads bytes `from` … `to` of a blob.
 * @throws UpstreamError when the first answer fails, when going on is of no use, or when an answer contradicts another
 */
export async function* readUpstream(options: SourceOptions): AsyncGenerator<Buffer, void, void> {
  const progress = new Progress(options)
  for (;;) {
    try {
      for await (const chunk of freshBytes(await progress.ask(), progress.position)) {
        yield progress.take(chunk)
        if (options.to !== undefined && progress.isComplete) return
      }
      if (progress.end === undefined || progress.isComplete) return
      throw new UpstreamError(
        'unreachable',
        `upstream ended the body at byte ${progress.position} of ${progress.end}`,
      )
    } catch (error) {
      if (!(error instanceof UpstreamError) || options.signal.aborted) throw error
      await progress.pause(error)
    }
  }
}
