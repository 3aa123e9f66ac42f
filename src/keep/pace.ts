/** How fast something is read in the background: so many bytes a second, and less while clients are served. */

/** What opening a file costs, in bytes read. */
const FILE_BYTES = 16 * 1024
/** Shortest pause that is made, in milliseconds: what is less is saved up. */
const LEAST_PAUSE_MS = 20
/** What was not read while something else took long is not made up for beyond this, in milliseconds. */
const MOST_BEHIND_MS = 1_000
/** While clients are served, a bounded rate becomes this part of itself, and an unbounded one so many bytes a second. */
const BUSY_SHARE = 0.25
const BUSY_RATE_BYTES = 10e6

const MS_PER_S = 1000

/** What a pace is kept with. */
export interface PaceOptions {
  /** Bytes a second; `undefined`: as fast as it goes. */
  readonly rateBytes: number | undefined
  /** Whether clients are being served. */
  readonly isBusy: () => boolean
  /** Milliseconds since any point in time. */
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
}

/** Keeps a pace. */
export class Pace {
  readonly #options: PaceOptions
  /** When what was read so far should have been read. */
  #dueMs: number

  constructor(options: PaceOptions) {
    this.#options = options
    this.#dueMs = options.now()
  }

  /** Another file was looked at. Resolves when the next one may be. @throws the signal's reason */
  file(): Promise<void> {
    return this.read(FILE_BYTES)
  }

  /** So many bytes were read. Resolves when more may be. @throws the signal's reason */
  async read(bytes: number): Promise<void> {
    const { now, sleep, signal } = this.#options
    this.#dueMs = Math.max(this.#dueMs, now() - MOST_BEHIND_MS) + this.#costMs(bytes)
    const pauseMs = this.#dueMs - now()
    if (pauseMs >= LEAST_PAUSE_MS) await sleep(pauseMs, signal)
  }

  #costMs(bytes: number): number {
    const { rateBytes, isBusy } = this.#options
    if (!isBusy()) return rateBytes === undefined ? 0 : (bytes / rateBytes) * MS_PER_S
    const busyBytes = rateBytes === undefined ? BUSY_RATE_BYTES : rateBytes * BUSY_SHARE
    return (bytes / busyBytes) * MS_PER_S
  }
}
