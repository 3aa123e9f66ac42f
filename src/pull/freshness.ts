/** How long a tag's answer of the upstream holds. Pure. */
import picomatch from 'picomatch'
import type { Tag } from '../protocol/name.ts'

/** `cache.freshness`: patterns of tags, and how long they hold in milliseconds; the first that matches counts. */
export interface FreshnessRule {
  readonly tags: readonly string[]
  readonly forMs: number
}

/** Tells for how long a tag is fresh, in milliseconds; 0: it is asked for every time. */
export type Freshness = (tag: Tag) => number

/** Compiles rules once. No rule, or none that matches: 0. */
export const createFreshness = (rules: readonly FreshnessRule[]): Freshness => {
  const compiled = rules.map(({ tags, forMs }) => ({ matches: picomatch([...tags]), forMs }))
  return (tag) => compiled.find(({ matches }) => matches(tag))?.forMs ?? 0
}

/** Whether what the upstream said at `askedAtMs` still holds. A clock that went back makes nothing fresh. */
export const isFresh = (askedAtMs: number | undefined, freshForMs: number, nowMs: number): boolean =>
  askedAtMs !== undefined && nowMs >= askedAtMs && nowMs - askedAtMs < freshForMs
