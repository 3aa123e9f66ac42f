/**
 * Which failed request is worth another try, and when. Pure. (Going on with a blob in the middle of its body is
 * `fetch/retry`.)
 */
import { isPermanent } from './failure.ts'
import type { UpstreamError } from './upstream.ts'

/** How often, and how soon. */
export interface RetryPlan {
  /** Tries in all. */
  readonly tries: number
  /** Tries where the answer is a status below 500. */
  readonly triesForOddStatus: number
  /** Pause after the first try, in milliseconds; doubled from try to try. */
  readonly firstPauseMs: number
}

/** For short requests: somebody waits, and there may be a cached answer. */
export const SHORT_PLAN: RetryPlan = { tries: 3, triesForOddStatus: 1, firstPauseMs: 150 }

/** For a blob's first byte: its client would give up the whole pull. An odd status may be the mood of a CDN's edge. */
export const BLOB_PLAN: RetryPlan = { tries: 5, triesForOddStatus: 2, firstPauseMs: 250 }

/** First status that is a failure of the server. */
const FIRST_SERVER_ERROR = 500

const triesFor = (error: UpstreamError, { tries, triesForOddStatus }: RetryPlan): number => {
  if (error.kind === 'timeout') return tries
  if (error.kind === 'unreachable') return isPermanent(error) ? 1 : tries
  if (error.kind !== 'status') return 1
  return (error.status ?? FIRST_SERVER_ERROR) >= FIRST_SERVER_ERROR ? tries : triesForOddStatus
}

/**
 * How long to wait before the next try, in milliseconds, or `undefined` where there is none.
 * @param failures tries that failed so far
 * @param leftMs time in which the next try must begin
 * @param random between 0 and 1, for the jitter
 */
export const pauseBeforeRetry = (
  error: UpstreamError,
  plan: RetryPlan,
  failures: number,
  leftMs: number,
  random: number,
): number | undefined => {
  if (failures >= triesFor(error, plan)) return undefined
  const backoffMs = plan.firstPauseMs * 2 ** (failures - 1) * (0.5 + random / 2)
  const pauseMs = Math.max(backoffMs, error.retryAfterMs ?? 0)
  return pauseMs < leftMs ? pauseMs : undefined
}
