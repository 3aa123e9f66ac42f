/**
 * The bytes of an upstream's blob as one uninterrupted sequence: an upstream that drops in mid-blob is asked again from
 * the byte where it was, through its registry URL, since a signed address may have expired. Nothing is verified here
 * but offsets and length; the digest is the caller's.
 */
import type { Digest } from '../protocol/digest.ts'
import { type BlobBody, type Priority, type Upstream, UpstreamError } from '../upstream/upstream.ts'
import { pauseBeforeResume } from './retry.ts'

/** How long a download goes on without one new byte, in milliseconds. */
const GIVE_UP_RESUMING_AFTER_MS = 120_000

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
  /** Aborted when a client has come to wait, so that a request that waits as a prefetch gets a better place. */
  readonly promotion?: AbortSignal
  readonly signal: AbortSignal
  readonly giveUpAfterMs?: number
  readonly clock: Clock
  /** Called with the size of the whole blob at the first answer; what it throws ends the reading. */
  readonly onSize?: (sizeBytes: number | undefined) => void
  /** Called with the length of each piece that came. */
  readonly onBytes?: (bytes: number) => void
  /** Called before each further request. */
  readonly onResume?: (error: UpstreamError, position: number) => void
}

/** "Range not satisfiable": the blob ends before the byte that was asked for. */
const BEYOND_END_STATUS = 416

/** Whether an upstream says that a blob ends before the byte that it was asked to begin with. */
export const isBeyondEnd = (error: unknown): boolean =>
  error instanceof UpstreamError && error.status === BEYOND_END_STATUS

const toInterruption = (error: unknown): UpstreamError =>
  error instanceof UpstreamError
    ? error
    : new UpstreamError('unreachable', `the body broke off: ${(error as Error).message}`, { cause: error })

/** The bytes of one answer from `position` on; a 200 to a range begins earlier, and is read past what is known. */
async function* freshBytes({ start, body }: BlobBody, position: number): AsyncGenerator<Buffer, void, void> {
  let skip = position - start
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (skip < chunk.length) yield skip === 0 ? chunk : chunk.subarray(skip)
      skip = Math.max(0, skip - chunk.length)
    }
  } catch (error) {
    throw toInterruption(error)
  } finally {
    body.destroy()
  }
}

/** Where a sequence of answers stands. */
class Progress {
  readonly #options: SourceOptions
  /** Failures since the last new byte, and when the first of them was. */
  #failures = 0
  #failingSinceMs = 0
  #isAnswered = false
  #sizeBytes: number | undefined
  position: number

  constructor(options: SourceOptions) {
    this.#options = options
    this.position = options.from
  }

  /** First byte that is not wanted, where that is known. */
  get end(): number | undefined {
    return this.#options.to === undefined ? this.#sizeBytes : this.#options.to + 1
  }

  async ask(): Promise<BlobBody> {
    const { upstream, name, digest, signal, priority, promotion } = this.#options
    const answer = await upstream.blob(name, digest, {
      from: this.position,
      ...(this.end === undefined ? {} : { to: this.end - 1 }),
      priority: priority(),
      ...(promotion && { promotion }),
      signal,
    })
    try {
      this.#check(answer)
      if (!this.#isAnswered) this.#options.onSize?.(answer.sizeBytes)
    } catch (error) {
      answer.body.destroy()
      throw error
    }
    this.#sizeBytes ??= answer.sizeBytes
    this.#isAnswered = true
    return answer
  }

  #check({ start, sizeBytes }: BlobBody): void {
    if (start !== 0 && start !== this.position)
      throw new UpstreamError('corrupt', `upstream began at byte ${start} instead of ${this.position}`)
    if (sizeBytes === undefined) return
    if (this.#sizeBytes !== undefined && this.#sizeBytes !== sizeBytes)
      throw new UpstreamError('corrupt', `upstream said ${this.#sizeBytes} bytes first, ${sizeBytes} later`)
    if (sizeBytes < this.position)
      throw new UpstreamError(
        'status',
        `the blob has ${sizeBytes} bytes, and was asked for from ${this.position}`,
        {
          status: BEYOND_END_STATUS,
        },
      )
  }

  /** Takes note of new bytes, and cuts off what is beyond the wanted end. */
  take(chunk: Buffer): Buffer {
    this.#failures = 0
    this.#options.onBytes?.(chunk.length)
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

  /** Whether a failure came when nothing was missing: all bytes were there, or nobody knew that they were. */
  isOver(error: UpstreamError): boolean {
    if (error.kind === 'corrupt') return false
    return this.isComplete || (this.#isAnswered && this.end === undefined && isBeyondEnd(error))
  }

  /** Whoever reads already may have more than there is: unlike a first answer, this is none on which to begin again. */
  #lastWord(error: UpstreamError): UpstreamError {
    if (!isBeyondEnd(error)) return error
    const message = `upstream sent the blob up to byte ${this.position}, and says now that it ends before that`
    return new UpstreamError('corrupt', message, { cause: error })
  }

  /** Waits for the next try, or throws where none is of use. @throws UpstreamError `error`, or `corrupt` */
  async pause(error: UpstreamError): Promise<void> {
    const { clock, signal, onResume, giveUpAfterMs = GIVE_UP_RESUMING_AFTER_MS } = this.#options
    if (this.#failures === 0) this.#failingSinceMs = clock.now()
    this.#failures += 1
    const pauseMs = pauseBeforeResume({
      kind: error.kind,
      failures: this.#failures,
      failingForMs: clock.now() - this.#failingSinceMs,
      giveUpAfterMs,
      retryAfterMs: error.retryAfterMs,
      random: clock.random(),
    })
    if (!this.#isAnswered) throw error
    if (pauseMs === undefined) throw this.#lastWord(error)
    onResume?.(error, this.position)
    await clock.sleep(pauseMs, signal)
  }
}

/**
 * Reads bytes `from` … `to` of a blob.
 * @throws the reason of the signal; UpstreamError when the first answer fails, when going on is of no use, or when an
 * answer contradicts another
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
      options.signal.throwIfAborted()
      if (!(error instanceof UpstreamError)) throw error
      if (progress.isOver(error)) return
      await progress.pause(error)
    }
  }
}

/**
 * Asks whether an upstream has a blob, without a download.
 * @returns its size in bytes, where that is told
 * @throws UpstreamError, `absent` where it says no
 */
export const confirmBlob = async (
  { upstream, name, digest }: Pick<SourceOptions, 'upstream' | 'name' | 'digest'>,
  signal: AbortSignal,
): Promise<number | undefined> => {
  const found = await upstream.stat(name, digest, { signal })
  if (found !== undefined) return found.sizeBytes
  throw new UpstreamError('absent', `${upstream.name} has no blob ${digest} in ${name}`)
}
