/** How far a warm-up is: images, and bytes as they come. */
import type { Flight } from '../fetch/flight.ts'

/** Counted while it is looked at. */
export class WarmProgress {
  /** Images that are done with, whatever came of them. */
  done = 0
  /** Images in all, as far as they are known. */
  total = 0
  #endedBytes = 0
  #endedTotal = 0
  readonly #flights = new Set<Flight>()

  /** Bytes fetched so far. */
  get bytes(): number {
    return [...this.#flights].reduce((sum, { writtenBytes }) => sum + writtenBytes, this.#endedBytes)
  }

  /** Bytes of everything whose fetch has begun. */
  get totalBytes(): number {
    return [...this.#flights].reduce((sum, flight) => sum + sizeOf(flight), this.#endedTotal)
  }

  /** Bytes that came at once. */
  add(bytes: number): void {
    this.#endedBytes += bytes
    this.#endedTotal += bytes
  }

  /** Counts what a fetch writes. @returns what ends that */
  follow(flight: Flight): () => void {
    this.#flights.add(flight)
    return () => {
      if (!this.#flights.delete(flight)) return
      this.#endedBytes += flight.writtenBytes
      this.#endedTotal += sizeOf(flight)
    }
  }
}

const sizeOf = ({ sizeBytes, plan, writtenBytes }: Flight): number =>
  sizeBytes ?? plan.sizeBytes ?? writtenBytes
