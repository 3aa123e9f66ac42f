/**
 * A stored blob that breaks off while it is sent: the file is shorter than it was, or cannot be read any more. What is missing
 * comes from elsewhere. What was sent is hashed first, so that nobody is given a whole wrong blob.
 */
import type { Hash } from 'node:crypto'
import { algorithmOf, createDigester, type Digest } from '../protocol/digest.ts'
import type { StoredBlob } from '../store/stored-blob.ts'
import { toAnswer } from './failure.ts'
import type { OpenBlob } from './open-blob.ts'

/** Bytes that are read back at a time. */
const READ_BACK_BYTES = 256 * 1024

/**
 * Opens the bytes of a blob from `position` on, elsewhere: verified if the state of the hash over all before is known. It is
 * `undefined` where the file is all there is.
 */
export type OpenRest = ((position: number, hash: Hash | undefined) => OpenBlob) | undefined

/** What a reader is given besides the blob. */
export interface MendedBlobHooks {
  /** The bytes are suspect. */
  readonly onBroken: (error: unknown) => void
  readonly openRest: OpenRest
}

/** Reads a stored blob, and goes on elsewhere where it breaks off. */
export class MendedBlob implements OpenBlob {
  /** Under which it was asked for. */
  readonly digest: Digest
  readonly sizeBytes: number
  readonly #blob: StoredBlob
  readonly #hooks: MendedBlobHooks
  #rest: OpenBlob | undefined
  /** Where the reading began. */
  #first: number | undefined

  constructor(digest: Digest, blob: StoredBlob, hooks: MendedBlobHooks) {
    this.digest = digest
    this.sizeBytes = blob.sizeBytes
    this.#blob = blob
    this.#hooks = hooks
  }

  /** @throws StorageError; RegistryError where the rest is not to be had, or the whole is wrong */
  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    if (this.#rest !== undefined) return this.#readRest(this.#rest, buffer, position, length)
    this.#first ??= position
    try {
      const count = await this.#blob.read(buffer, position, length)
      if (count > 0 || position >= this.sizeBytes) return count
    } catch (error) {
      if (!(await this.#goOn(position, error))) throw error
    }
    if (this.#rest === undefined && !(await this.#goOn(position, new Error('the file was cut short'))))
      return 0
    return this.read(buffer, position, length)
  }

  async close(): Promise<void> {
    try {
      await this.#rest?.close()
    } finally {
      await this.#blob.close()
    }
  }

  async #readRest(rest: OpenBlob, buffer: Uint8Array, position: number, length: number): Promise<number> {
    try {
      return await rest.read(buffer, position, length)
    } catch (error) {
      throw toAnswer(error, 'blob')
    }
  }

  async #goOn(position: number, error: unknown): Promise<boolean> {
    const { onBroken, openRest } = this.#hooks
    onBroken(error)
    if (openRest === undefined) return false
    // Of a part nobody knows what comes before it, and its client verifies the whole.
    this.#rest = openRest(position, this.#first === 0 ? await this.#hashBefore(position) : undefined)
    return true
  }

  /** @throws StorageError where what was sent cannot be read back: then nobody knows what it was */
  async #hashBefore(position: number): Promise<Hash> {
    const hash = createDigester(algorithmOf(this.digest))
    const piece = Buffer.allocUnsafe(READ_BACK_BYTES)
    for (let from = 0; from < position; ) {
      const count = await this.#blob.read(piece, from, Math.min(piece.length, position - from))
      if (count === 0) throw new Error(`${this.digest} cannot be read back`)
      hash.update(piece.subarray(0, count))
      from += count
    }
    return hash
  }
}
