/**
 * The port to what replicas must agree on: one piece of work at a time for a key, and small facts with an age. In
 * memory it serves one process; the same calls can stand on a shared engine.
 */
import { Memory } from '../memory.ts'

/** Agreement between all who work on one store. */
export interface Coordinator {
  /**
   * Runs `work` for `key` unless it is under way, and gives its outcome, or its failure, to all who asked meanwhile.
   * The result is not kept.
   */
  once<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Runs `work` when all that was given for `key` before has ended: one at a time, in the order asked. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Keeps `value` (JSON) for `ttlMs`; not at all where that is 0. */
  remember(key: string, value: unknown, ttlMs: number): Promise<void>
  /** What is kept for `key`, or `undefined`. */
  recall(key: string): Promise<unknown>
  /** Drops what is kept for `key`. */
  forget(key: string): Promise<void>
}

/** Most facts kept in memory: the least recently used go first. */
const MAX_FACTS = 50_000

/** The coordinator of a single process. */
export class MemoryCoordinator implements Coordinator {
  readonly #flights = new Map<string, Promise<unknown>>()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #facts: Memory<string, { value: unknown }>

  /** @param now milliseconds, for the age of facts; a test passes its own clock */
  constructor(now: () => number = () => performance.now()) {
    this.#facts = new Memory(MAX_FACTS, { ttlResolution: 0, perf: { now } })
  }

  once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#flights.get(key)
    if (running !== undefined) return running as Promise<T>
    const flight = (async () => work())().finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }

  async exclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve()
    const turn = before.then(work, work)
    this.#turns.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  async remember(key: string, value: unknown, ttlMs: number): Promise<void> {
    // To the cache a time of 0 means for ever.
    if (ttlMs > 0) this.#facts.set(key, { value }, { ttl: ttlMs })
    else this.#facts.delete(key)
  }

  async recall(key: string): Promise<unknown> {
    return this.#facts.get(key)?.value
  }

  async forget(key: string): Promise<void> {
    this.#facts.delete(key)
  }
}
