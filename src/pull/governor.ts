/**
 * The rate-budget governor: once an upstream has told that fewer pulls are left than `cache.watermark`, the last of them go
 * to what nobody has cached. Until the window has moved on
 *
 * - a cached tag that has moved is served as it was, for up to a day since its upstream last confirmed it: the new
 *   manifest would cost a pull, and its platform's another;
 * - nothing is fetched ahead.
 *
 * Docker Hub counts GETs of manifests and nothing else: no HEAD, no blob, no list, no token. So its HEADs go on: a tag that
 * has not moved is as fresh as ever, and each answer tells how many pulls are left. Any other upstream that tells a limit may
 * count every request (GitLab does): of it a cached tag is not even asked for.
 */
import type { Upstream } from '../upstream/upstream.ts'

/** Longest time for which a tag is served as it was, in milliseconds, since its upstream last confirmed it. */
const MAX_STRETCH_MS = 24 * 3_600_000
/** Window of a limit that tells none, in seconds. */
const DEFAULT_WINDOW_S = 3_600

/** What the governor goes by. */
export interface GovernorOptions {
  /** `cache.watermark`, in per cent of the limit; 0: never. */
  readonly watermark: number
  /** Names of the upstreams that count GETs of manifests and nothing else. */
  readonly countsManifests: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Tells what may be asked of an upstream while few pulls are left. */
export class Governor {
  readonly #options: GovernorOptions

  constructor(options: GovernorOptions) {
    this.#options = options
  }

  /** Whether fewer pulls are left than the watermark, as far as is known: what was told a window ago counts no more. */
  isLow(upstream: Upstream): boolean {
    const { watermark, now } = this.#options
    const { rateLimit, rateLimitAtMs } = upstream.health()
    if (rateLimit === undefined || rateLimitAtMs === undefined) return false
    const windowMs = (rateLimit.windowS ?? DEFAULT_WINDOW_S) * 1000
    return now() - rateLimitAtMs < windowMs && rateLimit.remaining * 100 < rateLimit.limit * watermark
  }

  /** Whether what Docker Hub does not count may be asked: HEADs, and blobs. */
  mayAskUncounted(upstream: Upstream): boolean {
    return this.#options.countsManifests.has(upstream.name) || !this.isLow(upstream)
  }

  /**
   * Whether a cached tag is served as it was rather than fetched anew.
   * @param confirmedAtMs when its upstream last said that it points there, in milliseconds since the epoch
   */
  spares(upstream: Upstream, confirmedAtMs: number | undefined): boolean {
    if (confirmedAtMs === undefined || this.#options.now() - confirmedAtMs >= MAX_STRETCH_MS) return false
    return this.isLow(upstream)
  }

  /** How few are left, for people. */
  describe(upstream: Upstream): string {
    const { rateLimit } = upstream.health()
    return `${upstream.name} gives ${rateLimit?.remaining} of ${rateLimit?.limit} pulls for now, kept for what is not cached`
  }
}
