/**
 * An upstream in this process, at the port: one blob, and a script of how its answers go wrong. Whatever it gives out
 * must be read to its end or destroyed, which {@link BlobUpstream.openBodies} tells.
 *
 *     const upstream = new BlobUpstream(bytes, [{ dropAt: 1000 }, { ignoresRange: true }])
 *     // first answer: breaks off before byte 1000; second: the whole though a range was asked for; then as it should be
 */
import { Readable } from 'node:stream'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type {
  BlobBody,
  BlobOptions,
  FetchedManifest,
  ManifestStat,
  Upstream,
  UpstreamHealth,
} from '../../src/upstream/upstream.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'

/** Where a body stands still until it is let go. */
export class Halt {
  /** Offset in the blob before which the body stands; the size of the blob: before its end. */
  readonly at: number
  /** Resolves when a body stands there. */
  readonly met: Promise<void>
  readonly opened: Promise<void>
  #meet = (): void => {}
  #open = (): void => {}

  constructor(at: number) {
    this.at = at
    this.met = new Promise((resolve) => {
      this.#meet = resolve
    })
    this.opened = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  meet(): void {
    this.#meet()
  }

  /** Lets every body go on. */
  open(): void {
    this.#open()
  }
}

/** How one answer goes wrong; by default it is what was asked for. Offsets are those of the blob. */
export interface BlobAnswer {
  /** Instead of an answer. */
  readonly fails?: UpstreamError
  /** The connection is lost before this byte. */
  readonly dropAt?: number
  /** The body ends before this byte, as if it were complete. */
  readonly endAt?: number
  /** This byte is a wrong one. */
  readonly wrongAt?: number
  /** The body goes on beyond its end by so many bytes. */
  readonly growBy?: number
  /** The whole, whatever range was asked for. */
  readonly ignoresRange?: boolean
  /** Said to begin here, though it does not. */
  readonly saysStart?: number
  /** Size that is told; `'nothing'`: none is. */
  readonly saysSize?: number | 'nothing'
  readonly halt?: Halt
  readonly chunkBytes?: number
}

const DEFAULT_CHUNK_BYTES = 4096

/** A body that follows an answer's script. */
class ScriptedBody extends Readable {
  readonly #bytes: Buffer
  readonly #answer: BlobAnswer
  readonly #end: number
  #position: number

  constructor(bytes: Buffer, from: number, end: number, answer: BlobAnswer) {
    super({ highWaterMark: 1 })
    this.#bytes = bytes
    this.#position = from
    this.#end = end
    this.#answer = answer
  }

  override _read(): void {
    const { dropAt, halt } = this.#answer
    if (this.#position === halt?.at) {
      halt.meet()
      void halt.opened.then(() => this.#pushNext())
    } else if (this.#position === dropAt)
      this.destroy(new UpstreamError('unreachable', 'the connection was cut'))
    else this.#pushNext()
  }

  #pushNext(): void {
    if (this.destroyed) return
    const { dropAt, wrongAt, halt, chunkBytes = DEFAULT_CHUNK_BYTES } = this.#answer
    if (this.#position >= this.#end) return void this.push(null)
    const stops = [this.#end, dropAt, halt?.at].filter((at) => at !== undefined && at > this.#position)
    const end = Math.min(this.#position + chunkBytes, ...(stops as number[]))
    const chunk = Buffer.alloc(end - this.#position, 'x')
    this.#bytes.copy(chunk, 0, this.#position, end)
    if (wrongAt !== undefined && wrongAt >= this.#position && wrongAt < end)
      chunk[wrongAt - this.#position]! ^= 1
    this.#position = end
    this.push(chunk)
  }
}

/** What was asked of it. */
export interface AskedBlob {
  readonly from: number
  readonly to: number | undefined
  readonly priority: string | undefined
  readonly promotion: AbortSignal | undefined
}

const unused = (): never => {
  throw new Error('not asked in tests of blobs')
}

/** See the top of this file. */
export class BlobUpstream implements Upstream {
  readonly name = 'scripted'
  readonly host = 'scripted.test'
  readonly hasCredentials = false
  readonly bytes: Buffer
  readonly digest: Digest
  /** Every `blob` so far. */
  readonly asked: AskedBlob[] = []
  /** Every body so far. */
  readonly bodies: Readable[] = []
  /** How many `stat` there were. */
  stats = 0
  /** What `stat` tells. */
  saysSize: number | 'nothing' | 'absent' | undefined
  readonly #answers: BlobAnswer[]

  constructor(bytes: Buffer, answers: readonly BlobAnswer[] = [], digest: Digest = digestOf(bytes)) {
    this.bytes = bytes
    this.digest = digest
    this.#answers = [...answers]
  }

  /** Bodies that were given out and neither read to their end nor destroyed. */
  get openBodies(): number {
    return this.bodies.filter((body) => !body.destroyed && !body.readableEnded).length
  }

  async stat(): Promise<{ sizeBytes: number | undefined } | undefined> {
    this.stats += 1
    if (this.saysSize === 'absent') return undefined
    return { sizeBytes: this.saysSize === 'nothing' ? undefined : (this.saysSize ?? this.bytes.length) }
  }

  async blob(_name: string, _digest: Digest, options: BlobOptions = {}): Promise<BlobBody> {
    const { from = 0, to, priority, promotion, signal } = options
    this.asked.push({ from, to, priority, promotion })
    signal?.throwIfAborted()
    const answer = this.#answers.shift() ?? {}
    if (answer.fails !== undefined) throw answer.fails
    const { ignoresRange = false, saysStart, endAt, growBy = 0, saysSize } = answer
    const size = this.bytes.length
    if (from >= size && from > 0 && !ignoresRange)
      throw new UpstreamError('status', 'answered 416', { status: 416 })
    const start = ignoresRange ? 0 : from
    const whole = (ignoresRange ? size : Math.min(size, (to ?? size) + 1)) + growBy
    const body = this.#open(new ScriptedBody(this.bytes, start, endAt ?? whole, answer), signal)
    const sizeBytes = saysSize === 'nothing' ? undefined : (saysSize ?? size)
    return { start: saysStart ?? start, sizeBytes, body }
  }

  resolve(): Promise<ManifestStat> {
    return unused()
  }

  manifest(): Promise<FetchedManifest> {
    return unused()
  }

  tags(): Promise<string[]> {
    return unused()
  }

  referrers(): Promise<Record<string, unknown>[]> {
    return unused()
  }

  isPublic(): Promise<boolean> {
    return unused()
  }

  health(): UpstreamHealth {
    return unused()
  }

  async close(): Promise<void> {}

  #open(body: Readable, signal: AbortSignal | undefined): Readable {
    this.bodies.push(body)
    const onAbort = (): void => void body.destroy(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    body.once('close', () => signal?.removeEventListener('abort', onAbort))
    // Whoever reads it learns of an error.
    body.on('error', () => {})
    return body
  }
}
