/**
 * A blob, or the rest or a part of one, straight from the upstream to one client, kept nowhere: for a range far ahead of
 * its fetch, and when the disk takes no more. Read in order only. Where it runs to the blob's end and the hash of what
 * went before is known, its last bytes are held back until the digest is verified.
 */
import type { Hash } from 'node:crypto'
import { algorithmOf, type Digest, finishDigest } from '../protocol/digest.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import { readUpstream, type SourceOptions } from './source.ts'

/** Which bytes, and the size of the whole where it is known. */
export interface PassthroughOptions extends Omit<SourceOptions, 'signal'> {
  readonly sizeBytes?: number | undefined
}

/** Bytes of an upstream for one reader. */
export class Passthrough {
  readonly digest: Digest
  /** Size of the whole blob in bytes, where it was known beforehand. */
  readonly sizeBytes: number | undefined
  readonly #hash: Hash | undefined
  /** First byte that has not come yet. */
  #end: number
  readonly #abort = new AbortController()
  readonly #onClose: () => void
  readonly #chunks: AsyncGenerator<Buffer, void, void>
  /** Bytes that may be given, and the chunk after them: to be verified, it is held back until the next has come. */
  #ready: Buffer = Buffer.alloc(0)
  #held: Buffer | undefined
  #isDone = false
  #isClosed = false
  #failure: { readonly error: unknown } | undefined

  /** @param hash state of the digest's hash over all bytes before `options.from`; `undefined`: not to be verified */
  constructor(options: PassthroughOptions, hash: Hash | undefined, onClose: () => void = () => {}) {
    this.digest = options.digest
    this.sizeBytes = options.sizeBytes
    this.#hash = hash
    this.#end = options.from
    this.#onClose = onClose
    this.#chunks = readUpstream({ ...options, signal: this.#abort.signal })
  }

  /**
   * The next bytes, up to `length`, whatever `position` says: reads follow one another. 0 at the end.
   * @throws UpstreamError, `corrupt` where the whole blob turned out wrong
   */
  async read(buffer: Uint8Array, _position: number, length: number): Promise<number> {
    while (this.#ready.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#isDone) return 0
      await this.#advance()
    }
    const count = this.#ready.copy(buffer, 0, 0, length)
    this.#ready = this.#ready.subarray(count)
    return count
  }

  /** Ends the upstream's transfer. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#abort.abort()
    this.#onClose()
    await this.#chunks.return()
  }

  /** A failure stays one: whoever reads on must not take it for the end. */
  async #advance(): Promise<void> {
    try {
      const { value, done } = await this.#chunks.next()
      if (done === true) this.#finish()
      else this.#take(value)
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** What goes on beyond the length that was promised is not given at all: cut there, it would look like the whole. */
  #take(chunk: Buffer): void {
    this.#end += chunk.length
    if (this.#end > (this.sizeBytes ?? Number.POSITIVE_INFINITY))
      throw new UpstreamError(
        'corrupt',
        `${this.digest} has more than the ${this.sizeBytes} bytes that were told`,
      )
    if (this.#hash === undefined) {
      this.#ready = chunk
      return
    }
    this.#hash.update(chunk)
    this.#ready = this.#held ?? Buffer.alloc(0)
    this.#held = chunk
  }

  #finish(): void {
    this.#verify()
    this.#isDone = true
    this.#ready = this.#held ?? Buffer.alloc(0)
    this.#held = undefined
  }

  #verify(): void {
    if (this.#hash === undefined) return
    const found = finishDigest(algorithmOf(this.digest), this.#hash)
    if (found !== this.digest)
      throw new UpstreamError('corrupt', `the bytes of ${this.digest} hash to ${found}`)
  }
}
