/** Stored blobs as they are read: from a file, or from memory. */
import type { Digest } from '../protocol/digest.ts'
import type { StoredFile } from './driver.ts'

/** A stored blob opened for reading. */
export interface StoredBlob extends StoredFile {
  readonly digest: Digest
  /** All of it, where it is small and in memory anyway. */
  readonly bytes?: Buffer
}

/** One in a file. */
export class FileBlob implements StoredBlob {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly #file: StoredFile
  #onClose: (() => void) | undefined

  constructor(digest: Digest, file: StoredFile, onClose: () => void) {
    this.digest = digest
    this.sizeBytes = file.sizeBytes
    this.#file = file
    this.#onClose = onClose
  }

  read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    return this.#file.read(buffer, position, length)
  }

  async close(): Promise<void> {
    this.#onClose?.()
    this.#onClose = undefined
    await this.#file.close()
  }
}

/** One in memory. */
export class MemoryBlob implements StoredBlob {
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
