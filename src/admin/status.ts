/** How the server is, in figures that name no repository: what its page and `entrepot status` show. */
import type { Flights } from '../fetch/flights.ts'
import type { Budget } from '../keep/budget.ts'
import type { Series } from '../observe/counter.ts'
import type { Metrics } from '../observe/metrics.ts'
import { CONTENT_TYPES } from '../observe/table/reads.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { stateOf } from './upstream-state.ts'

/** Where the figures come from. */
export interface StatusOptions {
  readonly version: string
  readonly upstreams: readonly Upstream[]
  readonly flights: Pick<Flights, 'list'>
  readonly budget: Pick<Budget, 'bounds' | 'figures'>
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const sum = (series: readonly Series[]): number => series.reduce((total, { value }) => total + value, 0)

const ratio = (part: number, whole: number): number | undefined =>
  whole === 0 ? undefined : Math.min(1, part / whole)

/** Tells how the server is. */
export class Status {
  readonly #options: StatusOptions
  readonly #startedAt: string

  constructor(options: StatusOptions) {
    this.#options = options
    this.#startedAt = new Date(options.now()).toISOString()
  }

  /** The figures of this moment. @throws StorageError */
  async report() {
    const { version, flights } = this.#options
    return {
      version,
      startedAt: this.#startedAt,
      cache: await this.#cache(),
      traffic: this.#traffic(),
      fetches: { active: flights.list().length },
      upstreams: this.#upstreams(),
    }
  }

  async #cache() {
    const { budget, metrics } = this.#options
    const { mirroredBytes, partialBytes, comingBytes, usage } = await budget.figures()
    return {
      sizeBytes: mirroredBytes === undefined ? undefined : mirroredBytes + partialBytes - comingBytes,
      limitBytes: budget.bounds.maxBytes,
      freeBytes: usage?.freeBytes,
      totalBytes: usage?.totalBytes,
      minFreeBytes: usage && Math.floor(budget.bounds.minFreeBytes(usage.totalBytes)),
      evictedBytes: metrics.evictedBytes.series({}).value,
    }
  }

  #traffic() {
    const { metrics, upstreams } = this.#options
    const { proxyHits, proxyMisses, proxyPushedBytes, clientBytes, readMeter } = metrics
    const ofTypes = (metric: typeof proxyHits): number =>
      sum(CONTENT_TYPES.map((type) => metric.series({ type })))
    const hits = ofTypes(proxyHits)
    const misses = ofTypes(proxyMisses)
    return {
      hits,
      misses,
      hitRatio: ratio(hits, hits + misses),
      hitRatioBytes: ratio(readMeter.saved.value, ofTypes(proxyPushedBytes)),
      toClientsBytes: ofTypes(clientBytes),
      fromUpstreamBytes: sum(upstreams.map(({ name }) => metrics.upstreamBytes.series({ upstream: name }))),
      savedBytes: metrics.savedBytes.series({}).value,
    }
  }

  #upstreams() {
    const { upstreams, now } = this.#options
    return upstreams.map((upstream) => {
      const health = upstream.health()
      const { rateLimit } = health
      return {
        name: upstream.name,
        host: upstream.host,
        state: stateOf(health, now()),
        rateLimit: rateLimit && {
          limit: rateLimit.limit,
          remaining: rateLimit.remaining,
          windowS: rateLimit.windowS,
        },
      }
    })
  }
}
