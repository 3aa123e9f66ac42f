/**
 * The first bytes of blobs that were read not long ago. Whoever opens such a blob again is given them from memory, and the
 * file is opened after that: the first byte waits for no disk and no other thread.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Digest } from '../protocol/digest.ts'
import { StorageError, type StoredFile } from './driver.ts'

/** First bytes kept in memory, in bytes in all. */
const MEMORY_BYTES = 8 * 1024 * 1024
/** Most that is kept of one blob, in bytes; a blob that is no larger is not kept here. */
const MAX_HEAD_BYTES = 64 * 1024
/** Least that is worth keeping, in bytes: the first read of a transfer where there are a thousand of them. */
const MIN_HEAD_BYTES = 16 * 1024
/** What keeping a head takes besides its bytes, in bytes, about. */
const HEAD_OVERHEAD_BYTES = 256

interface Head {
  readonly sizeBytes: number
  readonly bytes: Buffer
}

/** Opens a file, or says `undefined` where there is none. @throws StorageError */
type OpenFile = () => Promise<StoredFile | undefined>

/** A file of which a read from its start is told to `learn`. */
class LearnedFile implements StoredFile {
  readonly sizeBytes: number
  readonly #file: StoredFile
  readonly #learn: (head: Head) => void

  constructor(file: StoredFile, learn: (head: Head) => void) {
    this.sizeBytes = file.sizeBytes
    this.#file = file
    this.#learn = learn
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    const count = await this.#file.read(buffer, position, length)
    if (position === 0 && count >= MIN_HEAD_BYTES && this.sizeBytes > MAX_HEAD_BYTES) {
      const bytes = Buffer.from(buffer.subarray(0, Math.min(count, MAX_HEAD_BYTES)))
      this.#learn({ sizeBytes: this.sizeBytes, bytes })
    }
    return count
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** A file that begins with what is known already, and is opened a round of the event loop after that is read. */
class HeadedFile implements StoredFile {
  readonly sizeBytes: number
  readonly #head: Buffer
  readonly #open: OpenFile
  readonly #onGone: () => void
  readonly #onSettled: (file: HeadedFile) => void
  #opening: Promise<StoredFile | undefined> | undefined

  /** @param onSettled told once it is open, cannot be opened, or was closed before */
  constructor(
    { sizeBytes, bytes }: Head,
    open: OpenFile,
    onGone: () => void,
    onSettled: (file: HeadedFile) => void,
  ) {
    this.sizeBytes = sizeBytes
    this.#head = bytes
    this.#open = open
    this.#onGone = onGone
    this.#onSettled = onSettled
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    // To hand an opening to another thread takes as long as to send what is known, which is first.
    if (position < this.#head.length) {
      if (this.#opening === undefined) setImmediate(() => void this.open().catch(() => {}))
      return this.#head.copy(buffer, 0, position, position + length)
    }
    if (this.#opening === undefined) await nextTurn()
    const file = await this.open()
    if (file?.sizeBytes === this.sizeBytes) return file.read(buffer, position, length)
    if (file === undefined) throw new StorageError('io', 'the file was removed')
    throw new StorageError('damaged', `the file had ${this.sizeBytes} bytes and has ${file.sizeBytes} now`)
  }

  async close(): Promise<void> {
    this.#opening ??= this.#settled(Promise.resolve(undefined))
    const file = await this.#opening.catch(() => undefined)
    await file?.close()
  }

  /** Opens the file, unless it is open or was closed. Whoever needs it is told that this failed by the read that needs it. */
  open(): Promise<StoredFile | undefined> {
    this.#opening ??= this.#settled(this.#begin())
    return this.#opening
  }

  /** Nobody else is given such a one where there is no such file any more. */
  async #begin(): Promise<StoredFile | undefined> {
    try {
      const file = await this.#open()
      if (file?.sizeBytes !== this.sizeBytes) this.#onGone()
      return file
    } catch (error) {
      this.#onGone()
      throw error
    }
  }

  async #settled<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } finally {
      this.#onSettled(this)
    }
  }
}

/** The first bytes of blobs. */
export class Heads {
  readonly #known: LRUCache<Digest, Head>
  /** Those that are not open yet. */
  readonly #unopened = new Map<Digest, Set<HeadedFile>>()
  /** Counts what was forgotten: what is read from a file that was opened before is not to be kept. */
  #changes = 0

  /** @param knownForMs how long a blob is believed to be there without looking, in milliseconds */
  constructor(knownForMs: number) {
    this.#known = new LRUCache({
      maxSize: MEMORY_BYTES,
      sizeCalculation: ({ bytes }) => bytes.length + HEAD_OVERHEAD_BYTES,
      ttl: knownForMs,
    })
  }

  /** Size in bytes of a blob that is known. */
  sizeOf(digest: Digest): number | undefined {
    return this.#known.get(digest)?.sizeBytes
  }

  /**
   * Opens a blob; the caller closes it. The file of one that is known is opened after the first read; that it is gone after all,
   * or cannot be opened, is told by the read that needs it, as a StorageError.
   * @returns `undefined` where there is none
   * @throws StorageError
   */
  async open(digest: Digest, open: OpenFile): Promise<StoredFile | undefined> {
    const head = this.#known.get(digest)
    if (head !== undefined) return this.#openLater(digest, head, open)
    const changes = this.#changes
    const file = await open()
    const learn = (found: Head): void => {
      if (changes === this.#changes) this.#known.set(digest, found)
    }
    return file && new LearnedFile(file, learn)
  }

  /** For a blob that goes, or is replaced: before that, so that nobody is given it, and after it, for who opened it meanwhile. */
  forget(digest: Digest): void {
    this.#changes += 1
    this.#known.delete(digest)
  }

  /** Opens what was begun with and is not open yet: for a blob that goes, after it was forgotten. Never rejects. */
  async openAll(digest: Digest): Promise<void> {
    await Promise.allSettled([...(this.#unopened.get(digest) ?? [])].map((file) => file.open()))
  }

  #openLater(digest: Digest, head: Head, open: OpenFile): HeadedFile {
    const unopened = this.#unopened.get(digest) ?? new Set()
    const onSettled = (file: HeadedFile): void => {
      unopened.delete(file)
      if (unopened.size === 0 && this.#unopened.get(digest) === unopened) this.#unopened.delete(digest)
    }
    const file = new HeadedFile(head, open, () => this.forget(digest), onSettled)
    this.#unopened.set(digest, unopened.add(file))
    return file
  }
}
