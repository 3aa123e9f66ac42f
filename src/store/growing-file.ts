/**
 * A local file that grows by large writes: a blob being fetched or pushed, before it gets its name in the store. One
 * writer; whoever opens it closes it.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { toStorageError } from './drivers/filesystem.ts'
import { syncGate } from './drivers/gate.ts'
import type { SlabTarget } from './slabs.ts'

/** A file under construction. */
export class GrowingFile implements SlabTarget {
  readonly path: string
  readonly #file: FileHandle
  #written: number

  private constructor(path: string, file: FileHandle, written: number) {
    this.path = path
    this.#file = file
    this.#written = written
  }

  /**
   * Opens a file that begins with `keepBytes` bytes which are there already (0: a new file); what follows them is cut off.
   * @throws StorageError
   */
  static async open(path: string, keepBytes: number): Promise<GrowingFile> {
    return GrowingFile.#open(path, keepBytes === 0 ? 'w+' : 'r+', async (file) => {
      await file.truncate(keepBytes)
      return keepBytes
    })
  }

  /** Opens a file that is there, to go on at its end. @throws StorageError */
  static async reopen(path: string): Promise<GrowingFile> {
    return GrowingFile.#open(path, 'r+', async (file) => (await file.stat()).size)
  }

  static async #open(
    path: string,
    flags: string,
    measure: (file: FileHandle) => Promise<number>,
  ): Promise<GrowingFile> {
    try {
      const file = await open(path, flags)
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
    let offset = this.#written
    const pending = [...chunks]
    try {
      while (pending.length > 0) {
        let { bytesWritten } = await this.#file.writev(pending, offset)
        if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
        offset += bytesWritten
        while (pending[0] !== undefined && bytesWritten >= pending[0].length)
          bytesWritten -= pending.shift()?.length ?? 0
        if (pending[0] !== undefined && bytesWritten > 0) pending[0] = pending[0].subarray(bytesWritten)
      }
    } catch (error) {
      throw toStorageError(error, 'writing a growing file')
    }
    this.#written = offset
  }

  /** Cuts off everything from `sizeBytes` on. @throws StorageError */
  async truncate(sizeBytes: number): Promise<void> {
    try {
      await this.#file.truncate(sizeBytes)
    } catch (error) {
      throw toStorageError(error, 'cutting a growing file')
    }
    this.#written = sizeBytes
  }

  /** Brings what is written to the disk. */
  async sync(): Promise<void> {
    try {
      await syncGate.run(() => this.#file.datasync())
    } catch (error) {
      throw toStorageError(error, 'syncing a growing file')
    }
  }

  /** Reads up to `length` bytes of what is written. @returns how many */
  async read(buffer: Uint8Array, position: number, length = buffer.length): Promise<number> {
    const wanted = Math.min(length, this.#written - position)
    return (await this.#file.read(buffer, 0, wanted, position)).bytesRead
  }

  /** Closes the file; it stays. */
  async close(): Promise<void> {
    await this.#file.close()
  }
}
