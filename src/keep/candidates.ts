/**
 * The least recently used blobs that were found when the store was last looked through, the oldest first: as many as are
 * held at once. One that is used meanwhile is none any more.
 */
import type { Digest } from '../protocol/digest.ts'

/** Most candidates kept. */
const MAX_CANDIDATES = 16_384

/** A blob that may be evicted. */
export interface Candidate {
  readonly digest: Digest
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly usedAtMs: number
  readonly upstream: string | undefined
}

const byAge = (a: Candidate, b: Candidate): number => a.usedAtMs - b.usedAtMs

/** A bounded choice of the oldest. */
export class Candidates {
  readonly #max: number
  #offered: Candidate[] = []
  #chosen = new Map<Digest, Candidate>()

  constructor(max = MAX_CANDIDATES) {
    this.#max = max
  }

  get size(): number {
    return this.#chosen.size
  }

  /** Offers one for the next choice. */
  offer(candidate: Candidate): void {
    this.#offered.push(candidate)
    if (this.#offered.length >= 2 * this.#max) this.#cut()
  }

  /** The next choice is made, of everything that was offered since the last one. */
  choose(): void {
    this.#cut()
    this.#chosen = new Map(this.#offered.map((candidate) => [candidate.digest, candidate]))
    this.#offered = []
  }

  /** The oldest; it stays until it is dropped. */
  first(): Candidate | undefined {
    for (const candidate of this.#chosen.values()) return candidate
    return undefined
  }

  has(digest: Digest): boolean {
    return this.#chosen.has(digest)
  }

  drop(digest: Digest): void {
    this.#chosen.delete(digest)
  }

  #cut(): void {
    this.#offered = this.#offered.sort(byAge).slice(0, this.#max)
  }
}
