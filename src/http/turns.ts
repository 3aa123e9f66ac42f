/**
 * Turns of large writes: so many bytes for each round of the event loop. To hand half a mebibyte to the kernel takes a tenth
 * of a millisecond; a dozen at once, as their reads come back together, and every small answer waits for all of them.
 */

/** Bytes that are written in one round: more than that only where a single write is larger. */
const ROUND_BYTES = 256 * 1024

interface Waiting {
  readonly bytes: number
  readonly go: () => void
}

/** Who wants to write something large, first come first served. */
export class Turns {
  readonly #waiting: Waiting[] = []

  /** Resolves when so many bytes may be written: with nobody before them, in this round. */
  take(bytes: number): Promise<void> {
    return new Promise((go) => {
      if (this.#waiting.push({ bytes, go }) === 1) this.#runLater()
    })
  }

  #runLater(): void {
    setImmediate(() => {
      let bytes = 0
      while (bytes < ROUND_BYTES) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        bytes += next.bytes
        next.go()
      }
      if (this.#waiting.length > 0) this.#runLater()
    })
  }
}
