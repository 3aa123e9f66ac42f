/** What an upstream says about how much it still gives: `ratelimit-*`, `Retry-After` (protocol 6.1). Pure. */
import type { IncomingHttpHeaders } from 'node:http'
import { headerOf } from './answer.ts'
import type { RateLimit } from './upstream.ts'

/** `100;w=21600` → 100 requests in a window of 21600 seconds. */
const LIMIT = /^\s*(\d+)\s*(?:;\s*w=(\d+))?/

/** The rate limit that an answer tells, or `undefined` where it tells none: unknown or unlimited, not zero. */
export const readRateLimit = (headers: IncomingHttpHeaders): RateLimit | undefined => {
  const limit = LIMIT.exec(headerOf(headers, 'ratelimit-limit') ?? '')
  const remaining = LIMIT.exec(headerOf(headers, 'ratelimit-remaining') ?? '')
  if (limit === null || remaining === null) return undefined
  const windowS = remaining[2] ?? limit[2]
  return {
    limit: Number(limit[1]),
    remaining: Number(remaining[1]),
    windowS: windowS === undefined ? undefined : Number(windowS),
    source: headerOf(headers, 'docker-ratelimit-source'),
  }
}

/** Longest `Retry-After` that is obeyed, in milliseconds: whoever says more is asked again after it. */
const MAX_RETRY_AFTER_MS = 60 * 60_000

/**
 * `Retry-After` in milliseconds from now, as seconds or as a date; `undefined` where it is missing or malformed.
 * @param nowMs wall clock, milliseconds since the epoch
 */
export const readRetryAfterMs = (headers: IncomingHttpHeaders, nowMs: number): number | undefined => {
  const text = headerOf(headers, 'retry-after')?.trim()
  if (text === undefined || text === '') return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms))
}
