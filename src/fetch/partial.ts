/**
 * A growing file with one writer and many readers, each from its own offset and at its own pace. Readers read from the
 * file (the page cache), never from queues in memory, so a slow one holds nothing and N of them cost N sends.
 *
 * The life of a partial: opened (new, or left by a dead process), appended to, and then one of: *sealed* once its digest
 * is verified, *stopped* when the disk takes no more, or *failed*. The last byte is held back until it is sealed, so
 * that nobody is ever sent a whole wrong blob. The file stays open until the writer and the last reader have closed.
 */
import { GrowingFile } from '../store/growing-file.ts'
import type { SlabTarget } from '../store/slabs.ts'

/** Bytes that no reader gets before the digest is verified. */
const HELD_BACK_BYTES = 1

/** Where a partial stands: `open` it grows, `sealed` it is whole and verified, `stopped` it ends before the blob does. */
export type PartialState = 'open' | 'sealed' | 'stopped' | 'failed'

/** What a read found: bytes, the end, or the place where a stopped partial ends. */
export type PartialRead =
  | { readonly kind: 'bytes'; readonly length: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'stopped' }

/** A blob's file while it is being fetched. */
export class Partial implements SlabTarget {
  readonly #file: GrowingFile
  readonly #waiting = new Set<() => void>()
  #expected: number | undefined
  #users = 1
  #state: PartialState = 'open'
  #failure: unknown

  private constructor(file: GrowingFile) {
    this.#file = file
  }

  /**
   * Opens a partial that begins with `keepBytes` bytes which are there already (0: a new file).
   * @throws StorageError
   */
  static async open(path: string, keepBytes: number): Promise<Partial> {
    return new Partial(await GrowingFile.open(path, keepBytes))
  }

  get path(): string {
    return this.#file.path
  }

  /** Bytes in the file. */
  get written(): number {
    return this.#file.written
  }

  get state(): PartialState {
    return this.#state
  }

  /** Tells the size of the whole, so that only its end is held back and not the end of what has come so far. */
  expect(sizeBytes: number): void {
    this.#expected = sizeBytes
    this.#wake()
  }

  /** Appends chunks in one write. @throws StorageError; nothing of them counts then */
  async append(chunks: readonly Buffer[]): Promise<void> {
    await this.#file.append(chunks)
    this.#wake()
  }

  /** Brings what is written to the disk. */
  sync(): Promise<void> {
    return this.#file.sync()
  }

  /** Reads from the writer's side, held-back bytes included: to hash what a dead process left. */
  readBack(buffer: Uint8Array, position: number): Promise<number> {
    return this.#file.read(buffer, position)
  }

  /** The digest is right: everything may be read. */
  seal(): void {
    this.#end('sealed')
  }

  /** The disk takes no more: readers get what is there, and must go on elsewhere. */
  stop(): void {
    this.#end('stopped')
  }

  /** The fetch failed: readers that wait, now or later, get `error`. */
  fail(error: unknown): void {
    this.#failure = error
    this.#end('failed')
  }

  /** Another reader; it must call {@link release}. */
  retain(): void {
    this.#users += 1
  }

  /** The writer or a reader is done. */
  async release(): Promise<void> {
    this.#users -= 1
    if (this.#users === 0) await this.#file.close()
  }

  /**
   * Reads up to `length` bytes at `position`, waiting until at least one is there.
   * @param isClosed asked when woken: the reader left meanwhile
   * @throws whatever the partial failed with, where the wanted bytes will never come
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
    return { kind: 'bytes', length: await this.#file.read(buffer, position, wanted) }
  }

  /** Wakes every waiting reader: there are more bytes, an end, or one of them closed. */
  wake(): void {
    this.#wake()
  }

  get #readable(): number {
    const { written } = this.#file
    if (this.#state === 'sealed' || this.#state === 'stopped') return written
    return Math.min(written, (this.#expected ?? written) - HELD_BACK_BYTES)
  }

  #end(state: PartialState): void {
    this.#state = state
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }
}
