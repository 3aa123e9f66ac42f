/**
 * The first bytes of blobs that were opened not long ago. Whoever opens such a blob again is given them from memory, while
 * the file is opened meanwhile: the first byte waits for no disk and no other thread.
 */
import { LRUCache } from 'lru-cache'
import type { Digest } from '../protocol/digest.ts'
import { StorageError, type StoredFile } from './driver.ts'

/** First bytes kept in memory, in bytes in all. */
const MEMORY_BYTES = 8 * 1024 * 1024
/** Most that is kept of one blob, in bytes. */
const MAX_HEAD_BYTES = 64 * 1024

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
    if (position === 0 && count > 0) {
      const bytes = Buffer.from(buffer.subarray(0, Math.min(count, MAX_HEAD_BYTES)))
      this.#learn({ sizeBytes: this.sizeBytes, bytes })
    }
    return count
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** A file that is being opened, and begins with what is known already. */
class HeadedFile implements StoredFile {
  readonly sizeBytes: number
  readonly #head: Buffer
  readonly #opening: Promise<StoredFile | undefined>
  readonly #onGone: () => void

  constructor({ sizeBytes, bytes }: Head, open: OpenFile, onGone: () => void) {
    this.sizeBytes = sizeBytes
    this.#head = bytes
    this.#opening = open()
    this.#onGone = onGone
    // Told by the read that needs it.
    this.#opening.catch(onGone)
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    if (position < this.#head.length) return this.#head.copy(buffer, 0, position, position + length)
    const file = await this.#opening
    if (file !== undefined) return file.read(buffer, position, length)
    this.#onGone()
    throw new StorageError('io', 'the file was removed')
  }

  async close(): Promise<void> {
    const file = await this.#opening.catch(() => undefined)
    await file?.close()
  }
}

/** The first bytes of blobs. */
export class Heads {
  readonly #known: LRUCache<Digest, Head>

  /** @param knownForMs how long a blob is believed to be there without looking, in milliseconds */
  constructor(knownForMs: number) {
    this.#known = new LRUCache({
      maxSize: MEMORY_BYTES,
      sizeCalculation: ({ bytes }) => bytes.length,
      ttl: knownForMs,
    })
  }

  /** Size in bytes of a blob that is known. */
  sizeOf(digest: Digest): number | undefined {
    return this.#known.get(digest)?.sizeBytes
  }

  /**
   * A blob that is known, and is opened meanwhile; the caller closes it. A file that is gone after all, or cannot be opened,
   * is told by the first read that needs it, as a StorageError.
   */
  open(digest: Digest, open: OpenFile): StoredFile | undefined {
    const head = this.#known.get(digest)
    return head && new HeadedFile(head, open, () => this.forget(digest))
  }

  /** The same file, of which the first bytes are kept once they are read, unless `isStale` says otherwise then. */
  learn(digest: Digest, file: StoredFile, isStale: () => boolean): StoredFile {
    return new LearnedFile(file, (head) => {
      if (!isStale()) this.#known.set(digest, head)
    })
  }

  /** For a blob that is gone, or no longer what it was. */
  forget(digest: Digest): void {
    this.#known.delete(digest)
  }
}
