/** A bound on how much of one kind of work runs at once; the rest waits its turn, in order. */
class Gate {
  readonly #waiting: (() => void)[] = []
  #free: number

  /** @param places how many may run at once */
  constructor(places: number) {
    this.#free = places
  }

  /** Runs `work` as soon as there is a place. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}

/**
 * Syncs of files and folders under way at once in this process: they share its thread pool with every read, which would
 * stand behind them.
 */
export const syncGate = new Gate(2)
