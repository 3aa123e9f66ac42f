/**
 * Which failure of a download in progress deserves another try, and when. Pure. The tries for a blob's *first* byte are
 * the upstream's own (`upstream/registry`); this is about going on after bytes have come.
 */
import type { UpstreamErrorKind } from '../upstream/upstream.ts'

/** First pause before a download goes on, in milliseconds; doubled from try to try. */
const FIRST_PAUSE_MS = 200
/** Longest pause, in milliseconds. */
const LONGEST_PAUSE_MS = 10_000

/** What is known when a download was interrupted. */
export interface Interruption {
  readonly kind: UpstreamErrorKind
  /** Failures in a row without one new byte, this one included. */
  readonly failures: number
  /** Time since the first of them: a reader that is slow to take bytes has no part in it. */
  readonly failingForMs: number
  /** How long a download is taken up again without one new byte. */
  readonly giveUpAfterMs: number
  /** What the upstream asked for, if it did. */
  readonly retryAfterMs: number | undefined
  /** Between 0 and 1, for the jitter. */
  readonly random: number
}

/** How long to wait before the next try, in milliseconds, or `undefined` to give up. */
export const pauseBeforeResume = (interruption: Interruption): number | undefined => {
  const { kind, failures, failingForMs, giveUpAfterMs, retryAfterMs, random } = interruption
  if (kind === 'absent' || kind === 'refused' || kind === 'forbidden' || kind === 'corrupt') return undefined
  const backoffMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1))
  const pauseMs = Math.max(retryAfterMs ?? 0, backoffMs * (0.5 + random / 2))
  return failingForMs + pauseMs > giveUpAfterMs ? undefined : pauseMs
}
