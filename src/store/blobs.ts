/**
 * Bytes by digest. They lie under their sha256 digest whatever they are called; which repository may show them is
 * `store/links`. Content is immutable, so what is known of it (size, small content) is kept in memory.
 */
import { LRUCache } from 'lru-cache'
import type { Digest } from '../protocol/digest.ts'
import type { StorageDriver, StoredFile } from './driver.ts'
import { blobFolder, blobKey } from './paths.ts'

/** Small blobs kept in memory, in bytes in all: configs, and layers of a few KiB. */
const MEMORY_BYTES = 32 * 1024 * 1024
/** Largest blob kept in memory, in bytes. */
const MEMORY_BLOB_BYTES = 64 * 1024
/** A stat of another process's removal is noticed after this long, in milliseconds. */
const KNOWN_FOR_MS = 10_000

/** A stored blob opened for reading. */
export interface StoredBlob extends StoredFile {
  readonly digest: Digest
  /** All of it, where it is small and in memory anyway. */
  readonly bytes?: Buffer
}

class MemoryBlob implements StoredBlob {
  readonly digest: Digest
  readonly bytes: Buffer

  constructor(digest: Digest, bytes: Buffer) {
    this.digest = digest
    this.bytes = bytes
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    return this.bytes.copy(buffer, 0, position, position + length)
  }

  async close(): Promise<void> {}
}

/** The blobs of a store. Every digest here is the sha256 digest under which the bytes lie. */
export class BlobStore {
  readonly #driver: StorageDriver
  readonly #small = new LRUCache<Digest, Buffer>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: (bytes) => bytes.length + 256,
    ttl: KNOWN_FOR_MS,
  })
  readonly #arriving = new Map<Digest, Promise<void>>()

  constructor(driver: StorageDriver) {
    this.#driver = driver
  }

  /** Size in bytes, or `undefined` where there is no such blob. */
  async stat(digest: Digest): Promise<number | undefined> {
    return this.#small.get(digest)?.length ?? (await this.#driver.stat(blobKey(digest)))?.sizeBytes
  }

  /** Opens a blob; the caller closes it. */
  async open(digest: Digest): Promise<StoredBlob | undefined> {
    const bytes = this.#small.get(digest)
    if (bytes !== undefined) return new MemoryBlob(digest, bytes)
    const file = await this.#driver.open(blobKey(digest))
    if (file === undefined) return undefined
    if (file.sizeBytes <= MEMORY_BLOB_BYTES) return this.#remember(digest, file)
    return Object.assign(file, { digest })
  }

  /** The whole of a small blob, for manifests and configs. */
  async read(digest: Digest): Promise<Buffer | undefined> {
    return this.#driver.read(blobKey(digest))
  }

  /** Takes over a finished, verified local file. It is there, durably, when this resolves. */
  async adopt(file: string, digest: Digest): Promise<void> {
    await this.#arrive(digest, () => this.#driver.adopt(file, blobKey(digest)))
  }

  /** Stores verified bytes that are in memory: a manifest. */
  async write(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#arrive(digest, async () => {
      if ((await this.stat(digest)) === undefined) await this.#driver.write(blobKey(digest), bytes)
    })
  }

  /** Removes the bytes; who has a blob open goes on reading it. */
  async remove(digest: Digest): Promise<void> {
    this.#small.delete(digest)
    await this.#driver.remove(blobFolder(digest))
    this.#small.delete(digest)
  }

  /** One arrival of a digest at a time: what the next one finds there is durable, not just visible. */
  async #arrive(digest: Digest, work: () => Promise<void>): Promise<void> {
    const before = this.#arriving.get(digest) ?? Promise.resolve()
    const arriving = before.then(work, work)
    this.#arriving.set(digest, arriving)
    try {
      await arriving
    } finally {
      if (this.#arriving.get(digest) === arriving) this.#arriving.delete(digest)
    }
  }

  async #remember(digest: Digest, file: StoredFile): Promise<StoredBlob> {
    try {
      const bytes = Buffer.allocUnsafe(file.sizeBytes)
      await file.read(bytes, 0, bytes.length)
      this.#small.set(digest, bytes)
      return new MemoryBlob(digest, bytes)
    } finally {
      await file.close()
    }
  }
}
