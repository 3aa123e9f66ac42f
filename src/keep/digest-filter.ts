/**
 * A set of digests of fixed size that may say yes wrongly, and never no (a Bloom filter): what is reachable in a store of
 * millions of blobs fits in a few MiB. Which wrong answers it gives is drawn anew for each, so nothing is wrongly
 * reachable for ever.
 */
import { randomBytes } from 'node:crypto'
import type { Digest } from '../protocol/digest.ts'

/** Positions that an entry sets. */
const HASHES = 4
/** Hex digits of a digest that go into a position: they are as good as random themselves. */
const DIGITS = 8

/** A set of digests, see the top of this file. */
export class DigestFilter {
  readonly #bytes: Uint8Array
  readonly #shift: number
  readonly #multipliers: Int32Array

  /** @param sizeBits logarithm of the size in bits: 25 is 4 MiB, and at a million entries one answer in 5000 is wrong */
  constructor(sizeBits = 25) {
    this.#bytes = new Uint8Array(2 ** sizeBits / 8)
    this.#shift = 32 - sizeBits
    this.#multipliers = new Int32Array(HASHES)
    for (let i = 0; i < HASHES; i += 1) this.#multipliers[i] = randomBytes(4).readInt32LE() | 1
  }

  /** Adds a digest. */
  add(digest: Digest): void {
    for (let i = 0; i < HASHES; i += 1) {
      const position = this.#position(digest, i)
      this.#bytes[position >>> 3] = (this.#bytes[position >>> 3] ?? 0) | (1 << (position & 7))
    }
  }

  /** Whether a digest was added: no is certain. */
  has(digest: Digest): boolean {
    for (let i = 0; i < HASHES; i += 1) {
      const position = this.#position(digest, i)
      if (((this.#bytes[position >>> 3] ?? 0) & (1 << (position & 7))) === 0) return false
    }
    return true
  }

  #position(digest: Digest, i: number): number {
    const start = 7 + i * DIGITS
    const word = Number.parseInt(digest.slice(start, start + DIGITS), 16)
    return Math.imul(word, this.#multipliers[i] ?? 1) >>> this.#shift
  }
}
