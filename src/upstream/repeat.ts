/** Repeats a request whose failure may be over the next time (which ones: `retry`). */
import type { Health } from './health.ts'
import { pauseBeforeRetry, type RetryPlan } from './retry.ts'
import { UpstreamError } from './upstream.ts'

/** Time and chance, passed in so that tests need neither. */
export interface RepeatClock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Between 0 and 1. */
  readonly random: () => number
}

/** How long, and for whom. */
export interface RepeatOptions {
  readonly plan: RetryPlan
  /** Time in which the last try must begin, in milliseconds. */
  readonly leftMs: number
  readonly signal: AbortSignal | undefined
}

/** Makes the function that repeats. An upstream that is down is asked once: the answer should be quick. */
export const createRepeater =
  ({ now, sleep, random }: RepeatClock, health: Health) =>
  async <T>({ plan, leftMs, signal }: RepeatOptions, once: () => Promise<T>): Promise<T> => {
    const endAtMs = now() + leftMs
    const tries = health.isDown ? 1 : plan.tries
    for (let failures = 1; ; failures += 1) {
      try {
        return await once()
      } catch (error) {
        if (!(error instanceof UpstreamError) || signal?.aborted) throw error
        const pauseMs = pauseBeforeRetry(error, { ...plan, tries }, failures, endAtMs - now(), random())
        if (pauseMs === undefined) throw error
        await sleep(pauseMs, signal).catch((reason: unknown) => {
          throw signal?.aborted ? signal.reason : reason
        })
      }
    }
  }

/** What {@link createRepeater} makes. */
export type Repeat = ReturnType<typeof createRepeater>
