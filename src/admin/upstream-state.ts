/** How an upstream is, in one word. Pure. */
import type { UpstreamHealth } from '../upstream/upstream.ts'

/**
 * - `unknown`: it was not asked anything yet
 * - `well`: its last answer was one
 * - `limited`: it answered 429, and is not asked again before a time
 * - `refused`: it does not take the configured account
 * - `outage`: an operator has declared it down
 * - `unwell`: it cannot be reached, or answers with its own failure
 */
export type UpstreamState = 'unknown' | 'well' | 'limited' | 'refused' | 'outage' | 'unwell'

/** The state of an upstream: what hurts pulls most comes first. */
export const stateOf = (
  { isReachable, limitedUntilMs = 0, refusedCredentials, outageUntilMs }: UpstreamHealth,
  nowMs: number,
): UpstreamState => {
  if (outageUntilMs !== undefined) return 'outage'
  if (isReachable === false) return 'unwell'
  if (limitedUntilMs > nowMs) return 'limited'
  if (refusedCredentials !== undefined) return 'refused'
  return isReachable === undefined ? 'unknown' : 'well'
}
