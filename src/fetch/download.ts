/**
 * The bytes of a blob → its partial, and their hash: first what an earlier download left there, read back; then the rest,
 * from where that ends. A leftover that cannot be read, or that is longer than the blob, counts for nothing.
 */
import type { Hash } from 'node:crypto'
import { algorithmOf, createDigester, type Digest, finishDigest } from '../protocol/digest.ts'
import { StorageError } from '../store/driver.ts'
import type { MakeRoom } from '../store/room.ts'
import { SlabWriter } from '../store/slabs.ts'
import type { Partial } from './partial.ts'
import type { FlightReport } from './report.ts'
import { isBeyondEnd } from './source.ts'

/** What a download works with. */
export interface DownloadOptions {
  readonly digest: Digest
  readonly partial: Partial
  /** The upstream's bytes from an offset to the end. */
  readonly read: (from: number) => AsyncIterable<Buffer>
  readonly makeRoom: MakeRoom | undefined
  /** Ends the reading back; ending `read` is its maker's. */
  readonly signal: AbortSignal
  readonly report: FlightReport
}

/** Fills one partial. */
export class Download {
  readonly #options: DownloadOptions
  #hash: Hash
  #writer: SlabWriter<Hash> | undefined

  constructor(options: DownloadOptions) {
    this.#options = options
    this.#hash = createDigester(algorithmOf(options.digest))
  }

  /** State of the hash over the bytes before `position`, where those are known; when nothing is being written. */
  hashBefore(position: number): Hash | undefined {
    const { digest, partial } = this.#options
    if (position === partial.written) return this.#copyHash()
    // Of the first bytes a reader may have more than the disk took.
    const head = partial.head.subarray(0, position)
    return head.length === position ? createDigester(algorithmOf(digest)).update(head) : undefined
  }

  /** Digest of the bytes in the partial; when nothing is being written. */
  get found(): Digest {
    return finishDigest(algorithmOf(this.#options.digest), this.#copyHash())
  }

  /** Reads back what an earlier download left. @returns whether that is the whole blob */
  async takeLeftover(): Promise<boolean> {
    const { partial, digest, report, signal } = this.#options
    if (partial.written === 0) return false
    try {
      await partial.hashInto(this.#hash, signal)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      await this.#beginAgain(error)
      return false
    }
    report.resumed(undefined, partial.written)
    return this.found === digest
  }

  /** Brings the rest. Syncs may still be under way when it resolves. @throws StorageError, or what `read` throws */
  async run(): Promise<void> {
    try {
      await this.#append()
    } catch (error) {
      if (this.#options.partial.written === 0 || !isBeyondEnd(error)) throw error
      await this.#beginAgain(error)
      await this.#append()
    }
  }

  /** The digest under which the bytes lie: always sha256, whatever they are called. @throws StorageError */
  async findStored(): Promise<Digest> {
    const { digest, partial } = this.#options
    if (algorithmOf(digest) === 'sha256') return digest
    const hash = createDigester('sha256')
    await partial.hashInto(hash)
    return finishDigest('sha256', hash)
  }

  /** Resolves when what was written is on the disk, apart from the last piece. @throws StorageError */
  async finish(): Promise<void> {
    await this.#writer?.finish()
  }

  /** Resolves when nothing is in flight any more; what was not written yet is dropped. */
  async end(): Promise<void> {
    await this.#writer?.abandon()
  }

  #copyHash(): Hash {
    return (this.#writer?.hash ?? this.#hash).copy()
  }

  async #append(): Promise<void> {
    const { partial, read, makeRoom } = this.#options
    // All that is missing is asked for at once, rather than slab by slab.
    const makeRest = makeRoom && ((bytes: number) => makeRoom(Math.max(bytes, partial.missingBytes)))
    const writer = new SlabWriter(partial, this.#hash, makeRest)
    this.#writer = writer
    if (partial.written > 0) writer.startSync()
    try {
      for await (const chunk of read(partial.written)) await writer.add(chunk)
    } catch (error) {
      // What came before the failure is the readers', and the next download's.
      await writer.flush().catch(() => {})
      throw error
    }
    await writer.flush()
    // Of a blob without a byte there is a file, too.
    await partial.open()
  }

  async #beginAgain(error: unknown): Promise<void> {
    const { partial, digest, report } = this.#options
    report.beganAgain(error)
    await this.end()
    this.#writer = undefined
    this.#hash = createDigester(algorithmOf(digest))
    await partial.startOver()
  }
}
