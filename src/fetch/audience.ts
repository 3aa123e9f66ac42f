/** Who wants a download just now: clients that wait for its answer, and clients that read it. */

/** The clients of one download. */
export class Audience {
  /** Addresses → how many requests come from there. */
  readonly #clients = new Map<string, number>()
  #readers = 0
  #isHurried = false

  /** How many read it. */
  get readers(): number {
    return this.#readers
  }

  /** A client wants a part of it, wherever that is, and perhaps no more. */
  hurry(): void {
    this.#isHurried = true
  }

  /** Whether it may wait for another: nobody wants it who does not want that one, too. */
  mayWaitFor(other: Audience): boolean {
    return !this.#isHurried && [...this.#clients.keys()].every((client) => other.#clients.has(client))
  }

  /** Waits with a client for what `answered` tells. @param client its address */
  async wait(answered: Promise<void>, client: string): Promise<void> {
    const leave = this.#join(client)
    try {
      await answered
    } finally {
      leave()
    }
  }

  /** A client begins to read. @returns to be called once when it has ended */
  enter(client: string): () => void {
    const leave = this.#join(client)
    this.#readers += 1
    return () => {
      this.#readers -= 1
      leave()
    }
  }

  #join(client: string): () => void {
    this.#clients.set(client, (this.#clients.get(client) ?? 0) + 1)
    return () => {
      const left = (this.#clients.get(client) ?? 1) - 1
      if (left === 0) this.#clients.delete(client)
      else this.#clients.set(client, left)
    }
  }
}
