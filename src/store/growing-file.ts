/**
 * A local file that grows by large writes: a blob being fetched or pushed, before it gets its name in the store. One
 * writer; whoever opens it closes it.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { StorageError } from './driver.ts'
import { toStorageError, trying } from './drivers/errno.ts'
import { syncGate } from './drivers/gate.ts'
import type { SlabTarget } from './slabs.ts'

/** What a growing file needs of an open one. */
export type OpenFile = Pick<FileHandle, 'writev' | 'read' | 'truncate' | 'datasync' | 'stat' | 'close'>

/** Opens a file, as `open` of node:fs does; tests give one whose disk is full or fails. */
export type FileOpener = (path: string, flags: string) => Promise<OpenFile>

/** A file under construction. */
export class GrowingFile implements SlabTarget {
  readonly path: string
  readonly #file: OpenFile
  #written: number

  private constructor(path: string, file: OpenFile, written: number) {
    this.path = path
    this.#file = file
    this.#written = written
  }

  /**
   * Opens a file that begins with `keepBytes` bytes which are there already (0: a new file); what follows them is cut off.
   * @throws StorageError
   */
  static async open(path: string, keepBytes: number, opener: FileOpener = open): Promise<GrowingFile> {
    const measure = async (file: OpenFile): Promise<number> => {
      // A new file is empty.
      if (keepBytes > 0) await file.truncate(keepBytes)
      return keepBytes
    }
    return GrowingFile.#open(opener, path, keepBytes === 0 ? 'w+' : 'r+', measure)
  }

  /** Opens a file that is there, to go on at its end. @throws StorageError */
  static async reopen(path: string): Promise<GrowingFile> {
    return GrowingFile.#open(open, path, 'r+', async (file) => (await file.stat()).size)
  }

  static async #open(
    opener: FileOpener,
    path: string,
    flags: string,
    measure: (file: OpenFile) => Promise<number>,
  ): Promise<GrowingFile> {
    try {
      const file = await opener(path, flags)
      try {
        return new GrowingFile(path, file, await measure(file))
      } catch (error) {
        await file.close()
        throw error
      }
    } catch (error) {
      throw toStorageError(error, 'opening a growing file')
    }
  }

  /** Bytes in the file. */
  get written(): number {
    return this.#written
  }

  /** When the file was last written, in milliseconds since the epoch, as exactly as the file system tells. */
  async modifiedAtMs(): Promise<number> {
    return (await this.#file.stat()).mtimeMs
  }

  /** Appends chunks in one write. @throws StorageError; nothing of them counts then */
  async append(chunks: readonly Buffer[]): Promise<void> {
    this.#written = await trying('writing a growing file', () => this.#writeAll([...chunks], this.#written))
  }

  /** @returns the offset after the last chunk */
  async #writeAll(pending: Buffer[], from: number): Promise<number> {
    let offset = from
    while (pending.length > 0) {
      let { bytesWritten } = await this.#file.writev(pending, offset)
      if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
      offset += bytesWritten
      while (pending[0] !== undefined && bytesWritten >= pending[0].length)
        bytesWritten -= pending.shift()?.length ?? 0
      if (pending[0] !== undefined && bytesWritten > 0) pending[0] = pending[0].subarray(bytesWritten)
    }
    return offset
  }

  /** Cuts off everything from `sizeBytes` on; it no longer counts, even where that fails. @throws StorageError */
  async truncate(sizeBytes: number): Promise<void> {
    this.#written = sizeBytes
    await trying('cutting a growing file', () => this.#file.truncate(sizeBytes))
  }

  /** Brings what is written to the disk. */
  async sync(): Promise<void> {
    await trying('syncing a growing file', () => syncGate.run(() => this.#file.datasync()))
  }

  /**
   * Reads up to `length` bytes of what is written.
   * @returns how many; 0 at the end alone
   * @throws StorageError
   */
  async read(buffer: Uint8Array, position: number, length = buffer.length): Promise<number> {
    const wanted = Math.min(length, this.#written - position)
    if (wanted <= 0) return 0
    const { bytesRead } = await trying('reading a growing file', () =>
      this.#file.read(buffer, 0, wanted, position),
    )
    // An end before the end: what was written is not there any more.
    if (bytesRead === 0) throw new StorageError('io', 'a growing file is shorter than what was written to it')
    return bytesRead
  }

  /** Closes the file; it stays. @throws StorageError: network file systems tell only now what they could not write */
  async close(): Promise<void> {
    await trying('closing a growing file', () => this.#file.close())
  }
}
