/** Who wants a download just now: clients that wait for its answer, and clients that read it. */

/** The clients of one download. */
export class Audience {
  #waiting = 0
  #readers = 0
  #isHurried = false

  /** How many read it. */
  get readers(): number {
    return this.#readers
  }

  /** How many want it; infinite where it is to wait for no other. */
  get size(): number {
    return this.#isHurried ? Number.POSITIVE_INFINITY : this.#waiting + this.#readers
  }

  /** A client wants a part of it, wherever that is, and perhaps no more. */
  hurry(): void {
    this.#isHurried = true
  }

  /** Waits with a client for what `answered` tells. */
  async wait(answered: Promise<void>): Promise<void> {
    this.#waiting += 1
    try {
      await answered
    } finally {
      this.#waiting -= 1
    }
  }

  /** A client begins to read. */
  enter(): void {
    this.#readers += 1
  }

  /** It has ended. */
  leave(): void {
    this.#readers -= 1
  }
}
