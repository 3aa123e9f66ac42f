/**
 * Bytes by digest. They lie under their sha256 digest whatever they are called; which repository may show them is
 * `store/links`. Content is immutable, so what is known of it (size, first bytes, small content) is kept in memory.
 */
import { LRUCache } from 'lru-cache'
import { type Digest, digestOf, isDigest } from '../protocol/digest.ts'
import { type StorageDriver, StorageError, type StoredFile, type StoredStat } from './driver.ts'
import { Heads } from './heads.ts'
import { blobFolder, blobKey, quarantineFolder, TRASH_PREFIX, trashFolder } from './paths.ts'
import { readWhole } from './read-whole.ts'
import { FileBlob, MemoryBlob, type StoredBlob } from './stored-blob.ts'

/** Small blobs kept in memory, in bytes in all: configs, and layers of a few KiB. */
const MEMORY_BYTES = 32 * 1024 * 1024
/** Largest blob kept in memory, in bytes. */
const MEMORY_BLOB_BYTES = 64 * 1024
/** A stat of another process's removal is noticed after this long, in milliseconds. */
const KNOWN_FOR_MS = 10_000

/** Digest of no bytes: any other blob that is empty was torn by a crash of a server that did not sync. */
const EMPTY = digestOf('')

/** The blobs of a store. Every digest here is the sha256 digest under which the bytes lie. */
export class BlobStore {
  readonly #driver: StorageDriver
  readonly #small = new LRUCache<Digest, Buffer>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: (bytes) => bytes.length + 256,
    ttl: KNOWN_FOR_MS,
  })
  readonly #heads = new Heads(KNOWN_FOR_MS)
  readonly #changing = new Map<Digest, Promise<unknown>>()
  readonly #readers = new Map<Digest, number>()
  readonly #suspicions = new Set<(digest: Digest) => void>()
  /** Counts what was removed: what was read meanwhile is not to be believed any longer. */
  #removals = 0

  constructor(driver: StorageDriver) {
    this.#driver = driver
  }

  /** Size in bytes, or `undefined` where there is no such blob. */
  async stat(digest: Digest): Promise<number | undefined> {
    const known = this.#small.get(digest)?.length ?? this.#heads.sizeOf(digest)
    const sizeBytes = known ?? (await this.#driver.stat(blobKey(digest)))?.sizeBytes
    return sizeBytes === 0 && digest !== EMPTY ? undefined : sizeBytes
  }

  /** Opens a blob; the caller closes it. A small one is verified: where its bytes are wrong there is no such blob. */
  async open(digest: Digest): Promise<StoredBlob | undefined> {
    const bytes = this.#small.get(digest)
    if (bytes !== undefined) return new MemoryBlob(digest, bytes)
    const removals = this.#removals
    const file = await this.#heads.open(digest, () => this.#driver.open(blobKey(digest)))
    if (file === undefined) return undefined
    if (file.sizeBytes <= MEMORY_BLOB_BYTES) return this.#remember(digest, file, removals)
    this.#readers.set(digest, (this.#readers.get(digest) ?? 0) + 1)
    return new FileBlob(digest, file, () => this.#onClose(digest))
  }

  /** Bytes were found to be wrong, missing or unreadable: whoever {@link watchSuspicions} is told. */
  suspect(digest: Digest): void {
    for (const watch of this.#suspicions) watch(digest)
  }

  /** Calls `watch` for every blob whose bytes are suspected. @returns what ends that */
  watchSuspicions(watch: (digest: Digest) => void): () => void {
    this.#suspicions.add(watch)
    return () => this.#suspicions.delete(watch)
  }

  /** Whether anybody reads any but a small blob just now. */
  get isAnyOpen(): boolean {
    return this.#readers.size > 0
  }

  /** Whether somebody reads a blob just now. */
  isOpen(digest: Digest): boolean {
    return this.#readers.has(digest)
  }

  /** The whole of a small blob, for manifests and configs. */
  async read(digest: Digest): Promise<Buffer | undefined> {
    return this.#driver.read(blobKey(digest))
  }

  /** Takes over a finished, verified local file. It is there, durably, when this resolves. */
  async adopt(file: string, digest: Digest): Promise<void> {
    await this.#alone(digest, () => this.#replacing(digest, () => this.#driver.adopt(file, blobKey(digest))))
  }

  /** Stores verified bytes that are in memory: a manifest. */
  async write(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#alone(digest, async () => {
      // What is there and cannot be read is replaced.
      const present = await this.#driver.read(blobKey(digest)).catch(() => undefined)
      if (present?.equals(bytes) !== true)
        await this.#replacing(digest, () => this.#driver.write(blobKey(digest), bytes))
    })
  }

  /**
   * Takes a blob out of sight, asks whether nobody needs it, and removes its bytes; where the answer is no it is put back.
   * Who has it open goes on reading it. Not durable: a power cut may bring it back.
   * @returns whether it was removed
   */
  async removeIf(digest: Digest, isUnneeded: () => Promise<boolean>): Promise<boolean> {
    return this.#alone(digest, async () => {
      const aside = await this.#putAsideOnFullDisk(digest)
      if (aside === undefined) return false
      let isRemoved = false
      try {
        isRemoved = await isUnneeded()
      } finally {
        if (!isRemoved && aside !== blobFolder(digest)) await this.#driver.move(aside, blobFolder(digest))
      }
      if (isRemoved) await this.#driver.removeLazily(aside)
      return isRemoved
    })
  }

  /**
   * Takes away bytes that are not what they were, unless others have come in their place since they were looked at.
   * @param seen what was known of them then
   * @param how `quarantine`: they are put aside, since they are somebody's only copy
   * @returns whether they are gone
   */
  async discard(digest: Digest, seen: StoredStat, how: 'drop' | 'quarantine'): Promise<boolean> {
    return this.#alone(digest, async () => {
      const found = await this.#driver.stat(blobKey(digest))
      if (found?.modifiedAtMs !== seen.modifiedAtMs || found.sizeBytes !== seen.sizeBytes) return false
      if (how === 'quarantine') return this.#putAside(digest, quarantineFolder(digest))
      this.#forget(digest)
      await this.#driver.removeLazily(blobFolder(digest))
      this.#forget(digest)
      return true
    })
  }

  /** Puts back what was put aside, unless others have come in its place. @returns whether it is back */
  async readmit(digest: Digest): Promise<boolean> {
    return this.#alone(digest, async () => {
      if ((await this.#driver.stat(blobKey(digest))) !== undefined) return false
      return this.#driver.move(quarantineFolder(digest), blobFolder(digest))
    })
  }

  /** Puts back what a crash left out of sight; for when no other process works on the volume. */
  async restore(): Promise<void> {
    for (const hex of await this.#driver.list(TRASH_PREFIX)) {
      const digest = `sha256:${hex}`
      if (!isDigest(digest)) continue
      if ((await this.#driver.stat(blobKey(digest))) === undefined)
        await this.#driver.move(trashFolder(digest), blobFolder(digest))
      else await this.#driver.removeLazily(trashFolder(digest))
    }
  }

  /** @returns where it is now, which is where it was if a full disk has no room for another name */
  async #putAsideOnFullDisk(digest: Digest): Promise<string | undefined> {
    try {
      return (await this.#putAside(digest, trashFolder(digest))) ? trashFolder(digest) : undefined
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'full') throw error
      return blobFolder(digest)
    }
  }

  async #putAside(digest: Digest, folder: string): Promise<boolean> {
    this.#forget(digest)
    // Who was given its first bytes from memory goes on reading it, too.
    await this.#heads.openAll(digest)
    const isThere = await this.#driver.move(blobFolder(digest), folder)
    this.#forget(digest)
    return isThere
  }

  /** What is replaced may have been wrong. */
  async #replacing(digest: Digest, replace: () => Promise<void>): Promise<void> {
    this.#heads.forget(digest)
    try {
      await replace()
    } finally {
      this.#heads.forget(digest)
    }
  }

  #forget(digest: Digest): void {
    this.#removals += 1
    this.#small.delete(digest)
    this.#heads.forget(digest)
  }

  #onClose(digest: Digest): void {
    const readers = (this.#readers.get(digest) ?? 1) - 1
    if (readers === 0) this.#readers.delete(digest)
    else this.#readers.set(digest, readers)
  }

  /** One change of a digest at a time: what the next one finds there is durable, not just visible. */
  async #alone<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    const before = this.#changing.get(digest) ?? Promise.resolve()
    const changing = before.then(work, work)
    this.#changing.set(digest, changing)
    try {
      return await changing
    } finally {
      if (this.#changing.get(digest) === changing) this.#changing.delete(digest)
    }
  }

  async #remember(digest: Digest, file: StoredFile, removals: number): Promise<StoredBlob | undefined> {
    try {
      const bytes = await readWhole(file)
      if (digestOf(bytes) !== digest) {
        this.suspect(digest)
        return undefined
      }
      if (removals === this.#removals) this.#small.set(digest, bytes)
      return new MemoryBlob(digest, bytes)
    } finally {
      await file.close()
    }
  }
}
