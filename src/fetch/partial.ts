/**
 * A growing file with one writer and many readers, each from its own offset and at its own pace. Readers read from the
 * file (the page cache), never from queues in memory, so a slow one holds nothing and N of them cost N sends. Its first bytes
 * alone are kept in memory, and read from there as soon as they have come: the first byte waits for no disk.
 *
 * The life of a partial: opened (new, or left by a dead process; a new one when its first bytes have come), appended to,
 * and then one of: *sealed* once its digest is verified, *stopped* when the disk takes no more, or *failed*. The last byte
 * is held back until it is sealed, so that nobody is ever sent a whole wrong blob. The file stays open until the writer and
 * the last reader have released it; from then on it is *closed*, and nobody can join any more.
 */
import type { Hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { GrowingFile } from '../store/growing-file.ts'
import type { SlabTarget } from '../store/slabs.ts'

/** Bytes that no reader gets before the digest is verified. */
const HELD_BACK_BYTES = 1

/** Most bytes that are kept in memory, from the start of a new file. */
const MAX_HEAD_BYTES = 64 * 1024

const NOTHING = Buffer.alloc(0)

/** Piece in which a file is read back, in bytes. */
const READ_BACK_BYTES = 1024 * 1024

/** Where a partial stands: `open` it grows, `sealed` it is whole and verified, `stopped` it ends before the blob does. */
export type PartialState = 'open' | 'sealed' | 'stopped' | 'failed'

/** What a read found: bytes, the end, or the place where a stopped partial ends. */
export type PartialRead =
  | { readonly kind: 'bytes'; readonly length: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'stopped' }

/** A blob's file while it is being fetched. */
export class Partial implements SlabTarget {
  readonly path: string
  readonly #openFile: () => Promise<GrowingFile>
  readonly #waiting = new Set<() => void>()
  #file: GrowingFile | undefined
  #head: Buffer = NOTHING
  #expected: number | undefined
  #users = 1
  #state: PartialState = 'open'
  #failure: unknown

  /** @param openFile opens the file: when somebody says {@link open}, at the latest when the first bytes have come */
  constructor(path: string, openFile: () => Promise<GrowingFile>) {
    this.path = path
    this.#openFile = openFile
  }

  /** Bytes in the file. */
  get written(): number {
    return this.#file?.written ?? 0
  }

  /** The first bytes of a new file: readers may have them before they are written, or where that fails. */
  get head(): Buffer {
    return this.#head
  }

  /** Bytes still to come, as far as the size is known; else 0. */
  get missingBytes(): number {
    return Math.max(0, (this.#expected ?? 0) - this.written)
  }

  get state(): PartialState {
    return this.#state
  }

  /** Whether everybody has released it. */
  get isClosed(): boolean {
    return this.#users === 0
  }

  /** Tells the size of the whole, so that only its end is held back and not the end of what has come so far. */
  expect(sizeBytes: number): void {
    this.#expected = sizeBytes
    this.wake()
  }

  /** Whether there is a file. */
  get hasFile(): boolean {
    return this.#file !== undefined
  }

  /** Opens the file, unless it is open; one call at a time. @throws StorageError */
  async open(): Promise<GrowingFile> {
    this.#file ??= await this.#openFile()
    return this.#file
  }

  /** Appends chunks in one write. @throws StorageError; nothing of them counts then */
  async append(chunks: readonly Buffer[]): Promise<void> {
    if (this.written === 0) this.#keepHead(chunks)
    // Readers that wait for the first bytes send them before the disk is asked for a file.
    if (this.#file === undefined) await nextTurn()
    const file = await this.open()
    await file.append(chunks)
    this.wake()
  }

  /** Brings what is written to the disk. @throws StorageError */
  async sync(): Promise<void> {
    await this.#file?.sync()
  }

  /** Begins again without a byte, however it ends; only before anybody reads. @throws StorageError */
  async startOver(): Promise<void> {
    this.#head = NOTHING
    await this.#file?.truncate(0)
  }

  /** Feeds all that is written to a hash, held-back bytes included. @throws StorageError, the reason of the signal */
  async hashInto(hash: Hash, signal?: AbortSignal): Promise<void> {
    const { written } = this
    const file = await this.open()
    const buffer = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, written))
    for (let position = 0; position < written; ) {
      signal?.throwIfAborted()
      const length = await file.read(buffer, position)
      hash.update(buffer.subarray(0, length))
      position += length
    }
  }

  /** The digest is right: everything may be read. */
  seal(): void {
    this.#end('sealed')
  }

  /** The disk takes no more: readers get what is there, and must go on elsewhere. Never when all bytes are there. */
  stop(): void {
    this.#end('stopped')
  }

  /** The fetch failed: readers that wait, now or later, get `error`. */
  fail(error: unknown): void {
    this.#failure = error
    this.#end('failed')
  }

  /** Another reader; it must call {@link release}. Not once it {@link isClosed}. */
  retain(): void {
    this.#users += 1
  }

  /** The writer or a reader is done. Never rejects: what the store promises it syncs itself. */
  async release(): Promise<void> {
    this.#users -= 1
    if (this.#users === 0) await this.#file?.close().catch(() => {})
  }

  /**
   * Reads up to `length` bytes at `position`, waiting until at least one is there.
   * @param isClosed asked when woken: the reader left meanwhile
   * @throws StorageError, or whatever the partial failed with, where the wanted bytes will never come
   */
  async read(
    buffer: Uint8Array,
    position: number,
    length: number,
    isClosed: () => boolean,
  ): Promise<PartialRead> {
    while (position >= this.#readable) {
      if (this.#state === 'failed') throw this.#failure
      if (this.#state === 'sealed' || isClosed()) return { kind: 'end' }
      if (this.#state === 'stopped') return { kind: 'stopped' }
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    const wanted = Math.min(length, this.#readable - position)
    const file = this.#file
    if (file === undefined || this.#hasInMemory(position, wanted))
      return { kind: 'bytes', length: this.#head.copy(buffer, 0, position, position + wanted) }
    return { kind: 'bytes', length: await file.read(buffer, position, wanted) }
  }

  /** Wakes every waiting reader: there are more bytes, an end, or one of them closed. */
  wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }

  #keepHead(chunks: readonly Buffer[]): void {
    const first = chunks[0]?.subarray(0, MAX_HEAD_BYTES) ?? NOTHING
    // Where it lies is used again, once it is written.
    this.#head = Buffer.from(first)
    this.wake()
  }

  get #readable(): number {
    const { written } = this
    if (this.#state === 'sealed') return written
    const inMemory = this.#head.length
    // What was written when it stopped is not the end of the blob, but all that has come may be.
    if (this.#state === 'stopped') return Math.max(written, this.#holdBack(inMemory))
    return this.#holdBack(Math.max(written, inMemory))
  }

  /** Whether a read is to be answered from memory: all of it is there, or it is not in the file yet. */
  #hasInMemory(position: number, length: number): boolean {
    return position + length <= this.#head.length || position >= this.written
  }

  #holdBack(bytes: number): number {
    return Math.min(bytes, (this.#expected ?? bytes) - HELD_BACK_BYTES)
  }

  /** An end is for good: what was verified does not become wrong because something fails later. */
  #end(state: PartialState): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.wake()
  }
}
