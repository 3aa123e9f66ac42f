/**
 * Chunks of a stream → large writes and the running hash. The first bytes go to the file, and so to its readers, at
 * once; then chunks are gathered into slabs, hashed on this thread while the write is under way in the pool. One write
 * is in flight at a time, and readers are woken sixty times a second, or as fast as slabs fill. Downloads and uploads alike.
 *
 * The file is synced whenever it grows past a multiple of {@link SYNC_EVERY_BYTES}, beside the writes that follow; the
 * next such line is not passed before that sync has ended. So a power cut costs at most the last two pieces.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { doneWith } from '../received.ts'
import { type MakeRoom, withRoom } from './room.ts'

/** Size of a write when bytes come fast, in bytes: measured fastest among 64 KiB to 4 MiB. */
const SLAB_BYTES = 1024 * 1024
/** Longest time that bytes wait for more of them, in milliseconds: on a slow wire each write costs more than its bytes. */
const GATHER_MS = 16
/** Size of the pieces in which a growing file is synced, in bytes. */
export const SYNC_EVERY_BYTES = 32 * 1024 * 1024

/** How much of a file of this size is certainly synced, whenever its writer ended, in bytes. */
export const certainlySyncedBytes = (sizeBytes: number): number =>
  Math.max(0, Math.floor(sizeBytes / SYNC_EVERY_BYTES) - 1) * SYNC_EVERY_BYTES

/** What slabs are written to. */
export interface SlabTarget {
  /** Bytes in the file. */
  readonly written: number
  /** Appends chunks in one write. @throws StorageError; nothing of them counts then */
  append(chunks: readonly Buffer[]): Promise<void>
  /** Brings what is written to the disk. @throws StorageError */
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
  readonly #makeRoom: MakeRoom | undefined
  #hash: H
  #pending: Buffer[] = []
  #pendingBytes = 0
  #writing: Promise<void> | undefined
  #syncing: Promise<void> = Promise.resolve()
  #nextSyncAt: number
  #lastWriteAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #writeFailure: { readonly error: unknown } | undefined
  #syncFailure: { readonly error: unknown } | undefined

  /**
   * @param hash state over what the target holds already
   * @param makeRoom asked once a write when the disk is full
   */
  constructor(target: SlabTarget, hash: H, makeRoom?: MakeRoom) {
    this.#target = target
    this.#hash = hash
    this.#makeRoom = makeRoom
    this.#nextSyncAt = (Math.floor(target.written / SYNC_EVERY_BYTES) + 1) * SYNC_EVERY_BYTES
  }

  /** State of the hash over exactly the bytes that are written. */
  get hash(): H {
    return this.#hash
  }

  /**
   * Takes a chunk.
   * @returns what resolves when another may come, or rejects with the StorageError of an earlier write or sync;
   * `undefined`: another may come at once
   */
  add(chunk: Buffer): Promise<void> | undefined {
    if (chunk.length === 0) return undefined
    this.#gather(chunk)
    this.#pendingBytes += chunk.length
    const isFull = this.#pendingBytes >= SLAB_BYTES && this.#writing !== undefined
    if (isFull || this.#writeFailure !== undefined || this.#syncFailure !== undefined) return this.#settle()
    this.#writeWhenDue()
    return undefined
  }

  /** Writes what is pending, without waiting for syncs: the hash is over everything then. @throws StorageError */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#pendingBytes > 0) {
      await this.#writing
      this.#check(this.#writeFailure)
      if (this.#writing === undefined && this.#pendingBytes > 0) this.#startWrite()
    }
    this.#check(this.#writeFailure)
  }

  /** Writes what is pending; resolves when no sync is under way either, and none has failed. @throws StorageError */
  async finish(): Promise<void> {
    await this.flush()
    await this.#syncing
    this.#check(this.#syncFailure)
  }

  /** Syncs beside the writes that follow: for what an earlier writer left, of which nobody knows how far it was synced. */
  startSync(): void {
    this.#nextSyncAt = (Math.floor(this.#target.written / SYNC_EVERY_BYTES) + 1) * SYNC_EVERY_BYTES
    this.#syncing = this.#target.sync().catch((error: unknown) => {
      this.#syncFailure ??= { error }
    })
  }

  /** Ends without writing what is pending; resolves when nothing is in flight any more. */
  async abandon(): Promise<void> {
    this.#clear()
    await this.#writing
    await this.#syncing
  }

  /** Chunks that lie side by side in memory, as a connection receives them, are one. */
  #gather(chunk: Buffer): void {
    const last = this.#pending.at(-1)
    const isNext = last?.buffer === chunk.buffer && last.byteOffset + last.length === chunk.byteOffset
    if (last === undefined || !isNext) this.#pending.push(chunk)
    else
      this.#pending[this.#pending.length - 1] = Buffer.from(
        chunk.buffer,
        last.byteOffset,
        last.length + chunk.length,
      )
  }

  async #settle(): Promise<void> {
    if (this.#pendingBytes >= SLAB_BYTES) await this.#writing
    this.#check(this.#writeFailure ?? this.#syncFailure)
    this.#writeWhenDue()
  }

  #check(failure: { readonly error: unknown } | undefined): void {
    if (failure === undefined) return
    this.#clear()
    throw failure.error
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pending = []
    this.#pendingBytes = 0
  }

  /** Begins a write if there is enough for one, or once the bytes have waited; while one is in flight, after it. */
  #writeWhenDue(): void {
    if (this.#writing !== undefined || this.#pendingBytes === 0) return
    const waitMs = this.#lastWriteAtMs + GATHER_MS - performance.now()
    if (this.#pendingBytes >= SLAB_BYTES || waitMs <= 0) this.#startWrite()
    else this.#timer ??= setTimeout(() => this.#onTimer(), Math.ceil(waitMs))
  }

  #onTimer(): void {
    this.#timer = undefined
    if (this.#writing === undefined && this.#pendingBytes > 0) this.#startWrite()
  }

  #startWrite(): void {
    const chunks = this.#pending
    const bytes = this.#pendingBytes
    this.#clear()
    this.#lastWriteAtMs = performance.now()
    this.#writing = this.#write(chunks, bytes).finally(() => {
      this.#writing = undefined
      if (this.#writeFailure === undefined) this.#writeWhenDue()
    })
  }

  /** Never rejects: a failure is kept for the next caller. */
  async #write(chunks: readonly Buffer[], bytes: number): Promise<void> {
    const before = this.#hash.copy()
    try {
      if (this.#target.written + bytes >= this.#nextSyncAt) await this.#syncing
      const isFirst = this.#target.written === 0
      const written = withRoom(this.#makeRoom, bytes, () => this.#target.append(chunks))
      // Told below, once everything is hashed.
      written.catch(() => {})
      // Readers that wait for the first bytes send them before those are hashed.
      if (isFirst) await nextTurn()
      for (const chunk of chunks) this.#hash.update(chunk)
      await written
      doneWith(chunks)
      if (this.#target.written >= this.#nextSyncAt) this.startSync()
    } catch (error) {
      this.#hash = before
      this.#writeFailure ??= { error }
    }
  }
}
