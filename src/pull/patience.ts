/**
 * The waiting of what is fetched ahead: below the watermark until the window of the upstream's limit has moved on, and after
 * a 429 for as long as it says. Clients are not in its way, and it is in nobody's.
 */
import type { Clock } from '../fetch/source.ts'
import { type Upstream, UpstreamError } from '../upstream/upstream.ts'
import type { Governor } from './governor.ts'

/** Between two looks at how many pulls are left, and after a 429 that tells no time, in milliseconds. */
const PAUSE_MS = 5 * 60_000
/** Longest waiting of one image in all, in milliseconds: longer than any window. */
const MAX_WAIT_MS = 24 * 3_600_000
/** Shortest pause, in milliseconds. */
const MIN_PAUSE_MS = 1_000

/** For whom is waited, and for what. */
export interface PatienceOptions {
  readonly upstream: Upstream
  readonly governor: Governor
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Asks something that does not count, for what its answer tells of the limit. */
  readonly probe: () => Promise<unknown>
  /** Told why it waits; `undefined`: it goes on. */
  readonly onPause: (reason: string | undefined) => void
}

/** Waits for one image. */
export class Patience {
  readonly #options: PatienceOptions
  #waitedMs = 0

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** Does what a pull limit counts, when enough pulls are left. @throws UpstreamError; the reason of the signal */
  counted<T>(work: () => Promise<T>): Promise<T> {
    return this.#patiently(({ governor, upstream }) => !governor.isLow(upstream), work)
  }

  /** Does what Docker Hub does not count. @throws UpstreamError; the reason of the signal */
  uncounted<T>(work: () => Promise<T>): Promise<T> {
    return this.#patiently(({ governor, upstream }) => governor.mayAskUncounted(upstream), work)
  }

  async #patiently<T>(mayAsk: (options: PatienceOptions) => boolean, work: () => Promise<T>): Promise<T> {
    const { governor, upstream, signal } = this.#options
    for (;;) {
      signal.throwIfAborted()
      try {
        if (mayAsk(this.#options)) return await work()
        await this.#pause(governor.describe(upstream), PAUSE_MS)
        if (governor.mayAskUncounted(upstream)) await this.#options.probe()
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof UpstreamError) || error.kind !== 'limited') throw error
        await this.#pause(error.message, error.retryAfterMs ?? PAUSE_MS)
      }
    }
  }

  async #pause(reason: string, ms: number): Promise<void> {
    const { clock, signal, onPause } = this.#options
    if (this.#waitedMs >= MAX_WAIT_MS) throw new Error(`given up after a day: ${reason}`)
    const pauseMs = Math.max(MIN_PAUSE_MS, ms)
    this.#waitedMs += pauseMs
    onPause(reason)
    await clock.sleep(pauseMs, signal)
    onPause(undefined)
  }
}
