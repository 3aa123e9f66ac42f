/**
 * The port to whatever keeps the bytes: keys of distribution's layout (`store/paths`) → bytes.
 *
 * The life of large content: a process writes a *local file* of its own (a partial or an upload, on the store's own
 * file system where that is a folder), and hands it over whole with {@link StorageDriver.adopt}; from then on it is
 * there under its key for everybody, until `remove`. Nothing under a key is ever seen half written. Small content
 * (links, marks) is written in one piece.
 *
 * What an answer promised is durable: when `write` or `adopt` resolves, the content and every folder entry that leads
 * to it have been synced. After an error the key holds what it held before, or all of the new content. Absence is
 * `undefined`; an exception is a {@link StorageError}. Two writers of one key at once: one of them wins, whole.
 */

/**
 * Why a store failed: `full` (no space, quota), `budget` (there may be space, but no more is to be used), `readonly`,
 * `damaged` (the medium, or a checksum of the file system, says that these very bytes are lost), or `io` for everything else.
 */
export type StorageErrorKind = 'full' | 'budget' | 'readonly' | 'damaged' | 'io'

/** The store could not do what it was asked; nothing that was promised before is lost. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly kind: StorageErrorKind

  constructor(kind: StorageErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** What is known of a key without reading it. */
export interface StoredStat {
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** When it came to its key, or later: unlike the time of its bytes nobody can set it. */
  readonly changedAtMs: number
}

/** Open content: bytes at any offset, until closed. It stays readable when its key is removed meanwhile. */
export interface StoredFile {
  readonly sizeBytes: number
  /**
   * Reads up to `length` bytes at `position` into `buffer` from its start.
   * @returns how many bytes were read; 0 at the end
   */
  read(buffer: Uint8Array, position: number, length: number): Promise<number>
  close(): Promise<void>
}

/** How much a store holds and could hold, in bytes. Absent where the store has no bound. */
export interface StoreUsage {
  readonly totalBytes: number
  readonly freeBytes: number
}

/** Bytes at keys. A key is a path of segments joined by `/`, without a leading slash. */
export interface StorageDriver {
  stat(key: string): Promise<StoredStat | undefined>
  /** Opens the content of a key, or `undefined` where there is none. The caller closes it. */
  open(key: string): Promise<StoredFile | undefined>
  /** The whole content of a small key (a link, a mark, a manifest), or `undefined`. */
  read(key: string): Promise<Buffer | undefined>
  /** Replaces the content of a small key, atomically and durably. */
  write(key: string, bytes: Uint8Array | string): Promise<void>
  /** The same without the sync: for what may be lost in a power cut (last use, freshness). Still atomic. */
  writeLazily(key: string, bytes: Uint8Array | string): Promise<void>
  /**
   * Takes over a finished local file, which is gone from its own path afterwards. What the key had is replaced: equal
   * keys mean equal bytes, but those in the file were verified just now.
   * @param file an absolute path of this process
   */
  adopt(file: string, key: string): Promise<void>
  /** The names directly below `prefix`, files and folders, in byte order, strictly after `after`, at most `limit`. */
  list(prefix: string, after?: string, limit?: number): Promise<string[]>
  /**
   * When the names directly below `prefix` last changed, in milliseconds since the epoch; `undefined` where there are
   * none. A driver that cannot tell does not have it.
   */
  namesChangedAtMs?(prefix: string): Promise<number | undefined>
  /** Removes a key, or everything below it, at once; that nothing is there is no error. Durable like `write`. */
  remove(key: string): Promise<void>
  /** The same without the sync: for what does no harm where a power cut brings it back. */
  removeLazily(key: string): Promise<void>
  /**
   * Gives a key, or everything below it, another name at once, without a sync; what has that name already goes.
   * @returns whether there was anything
   */
  move(from: string, to: string): Promise<boolean>
  /** Removes the folders at and below `prefix` in which there is nothing, and those above that held no more than it. */
  prune(prefix: string): Promise<void>
  /** Removes what writers that were killed left in the making, and nobody has touched since `beforeMs`. */
  sweep(beforeMs: number): Promise<void>
  usage(): Promise<StoreUsage | undefined>
}
