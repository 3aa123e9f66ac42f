/**
 * Chunks of a stream → large writes and the running hash. The first bytes go to the file, and so to its readers, at
 * once; then chunks are gathered into slabs, hashed on this thread while the write is under way in the pool. One write
 * is in flight at a time, and readers are woken a few hundred times a second at most. Downloads and uploads alike.
 */

/** Size of a write when bytes come fast, in bytes: measured fastest among 64 KiB to 4 MiB. */
const SLAB_BYTES = 1024 * 1024
/** Longest time that bytes wait for more of them, in milliseconds. */
const GATHER_MS = 4
/** Every so many bytes a file is synced: what survives a power cut is whole pieces of this size. */
export const SYNC_EVERY_BYTES = 32 * 1024 * 1024

/** What slabs are written to. */
export interface SlabTarget {
  /** Bytes in the file. */
  readonly written: number
  /** Appends chunks in one write. @throws StorageError; nothing of them counts then */
  append(chunks: readonly Buffer[]): Promise<void>
  /** Brings what is written to the disk. */
  sync(): Promise<void>
}

/** A hash that can be copied in mid-stream, as those of node:crypto can. */
export interface RunningHash<H> {
  update(bytes: Uint8Array): unknown
  copy(): H
}

/** Writes and hashes one stream. */
export class SlabWriter<H extends RunningHash<H>> {
  readonly #target: SlabTarget
  readonly #onWritten: (bytes: number) => void
  #hash: H
  #pending: Buffer[] = []
  #pendingBytes = 0
  #writing: Promise<void> | undefined
  #syncing: Promise<void> = Promise.resolve()
  #nextSyncAt: number
  #lastWriteAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #failure: { readonly error: unknown } | undefined

  /** @param hash state over what the target holds already */
  constructor(target: SlabTarget, hash: H, onWritten: (bytes: number) => void = () => {}) {
    this.#target = target
    this.#hash = hash
    this.#onWritten = onWritten
    this.#nextSyncAt = target.written + SYNC_EVERY_BYTES
  }

  /** State of the hash over exactly the bytes that are written. */
  get hash(): H {
    return this.#hash
  }

  /** Takes a chunk; resolves when another may come. @throws StorageError of this or an earlier write */
  async add(chunk: Buffer): Promise<void> {
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    if (this.#pendingBytes >= SLAB_BYTES) await this.#writing
    this.#check()
    const isDue = this.#pendingBytes >= SLAB_BYTES || performance.now() - this.#lastWriteAtMs >= GATHER_MS
    if (this.#writing === undefined && isDue) this.#startWrite()
    else this.#timer ??= setTimeout(() => this.#onTimer(), GATHER_MS)
  }

  /** Writes what is pending. @throws StorageError */
  async finish(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing
    this.#check()
    if (this.#pendingBytes > 0) this.#startWrite()
    await this.#writing
    await this.#syncing
    this.#check()
  }

  /** Ends without writing what is pending; resolves when nothing is in flight any more. */
  async abandon(): Promise<void> {
    clearTimeout(this.#timer)
    this.#pending = []
    this.#pendingBytes = 0
    await this.#writing
    await this.#syncing
  }

  #onTimer(): void {
    this.#timer = undefined
    if (this.#writing === undefined && this.#pendingBytes > 0 && this.#failure === undefined)
      this.#startWrite()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #startWrite(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const chunks = this.#pending
    const bytes = this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    this.#lastWriteAtMs = performance.now()
    this.#writing = this.#write(chunks, bytes).finally(() => {
      this.#writing = undefined
    })
  }

  /** Never rejects: a failure is kept for the next caller. */
  async #write(chunks: readonly Buffer[], bytes: number): Promise<void> {
    const before = this.#hash.copy()
    try {
      const written = this.#target.append(chunks)
      for (const chunk of chunks) this.#hash.update(chunk)
      await written
      this.#onWritten(bytes)
      if (this.#target.written >= this.#nextSyncAt) await this.#startSync()
    } catch (error) {
      this.#hash = before
      this.#failure ??= { error }
    }
  }

  /** Syncs beside the writes that follow; the one before must have ended. */
  async #startSync(): Promise<void> {
    await this.#syncing
    this.#nextSyncAt = this.#target.written + SYNC_EVERY_BYTES
    this.#syncing = this.#target.sync().catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }
}
