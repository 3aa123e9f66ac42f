/** What is known of an upstream without asking it, and its metrics: written as answers come, read by readiness. */
import type { Metrics } from '../observe/metrics.ts'
import { REFUSED_TARGETS } from '../observe/table/upstreams.ts'
import type { RateLimit, UpstreamError, UpstreamHealth } from './upstream.ts'

/** Everything that an upstream's state is read from elsewhere. */
export interface HealthSources {
  readonly refusal: () => string | undefined
  readonly limitedUntilMs: () => number | undefined
  readonly tokens: () => number
  readonly waiting: () => { readonly requests: number; readonly transfers: number }
}

/** What a record is kept with. */
export interface HealthOptions {
  /** Name of the upstream. */
  readonly upstream: string
  /** Whether its limits are exported under the names of Docker Hub's exporters, too. */
  readonly isDockerHub: boolean
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Failures in a row after which an upstream counts as down: as many as the tries of one request. */
const DOWN_AFTER_FAILURES = 3

/** First status that is a failure of the upstream itself. */
const FIRST_SERVER_ERROR = 500

/** The record of one upstream. */
export class Health {
  readonly #upstream: string
  readonly #isDockerHub: boolean
  readonly #metrics: Metrics
  readonly #now: () => number
  #isReachable: boolean | undefined
  #failuresInARow = 0
  #lastError: { readonly message: string; readonly atMs: number } | undefined
  #rateLimit: RateLimit | undefined
  #rateLimitAtMs: number | undefined

  constructor({ upstream, isDockerHub, metrics, now }: HealthOptions) {
    this.#upstream = upstream
    this.#isDockerHub = isDockerHub
    this.#metrics = metrics
    this.#now = now
    metrics.rateLimitKnown.set({ upstream }, 0)
    metrics.credentialsRefused.set({ upstream }, 0)
    for (const counter of [metrics.upstreamBytes, metrics.corruptFetches]) counter.series({ upstream })
    for (const reason of REFUSED_TARGETS) metrics.redirectsRefused.series({ upstream, reason })
  }

  /** Whether it has failed so often in a row that it is likely to fail again. */
  get isDown(): boolean {
    return this.#failuresInARow >= DOWN_AFTER_FAILURES
  }

  /** The head of an answer came. */
  noteAnswer(kind: string, status: number, seconds: number): void {
    const upstream = this.#upstream
    this.#metrics.upstreamRequests.inc({ upstream, kind, status: String(status) })
    this.#metrics.upstreamSeconds.observe({ upstream, kind }, seconds)
    this.#noteReachable(status < FIRST_SERVER_ERROR)
  }

  /** No answer came. */
  noteFailure(kind: string, error: UpstreamError): void {
    this.#metrics.upstreamRequests.inc({ upstream: this.#upstream, kind, status: error.kind })
    if (error.kind === 'unreachable' || error.kind === 'timeout') this.#noteReachable(false)
  }

  /** A call failed, in the words in which it is reported. */
  noteError(error: UpstreamError): void {
    if (error.kind !== 'absent') this.#lastError = { message: error.message, atMs: this.#now() }
  }

  /** An answer told its rate limit. */
  noteRateLimit(rateLimit: RateLimit): void {
    const { limit, remaining, source = '' } = rateLimit
    const lastSource = this.#rateLimit?.source ?? ''
    if (this.#rateLimit !== undefined && lastSource !== source) this.#forgetLimitsOf(lastSource)
    this.#rateLimit = rateLimit
    this.#rateLimitAtMs = this.#now()
    const upstream = this.#upstream
    const metrics = this.#metrics
    metrics.rateLimitKnown.set({ upstream }, 1)
    metrics.rateLimit.set({ upstream, source }, limit)
    metrics.rateLimitRemaining.set({ upstream, source }, remaining)
    if (!this.#isDockerHub) return
    metrics.dockerHubLimit.set({ reqsource: source }, limit)
    metrics.dockerHubRemaining.set({ reqsource: source }, remaining)
  }

  /** The upstream began to refuse the account, or takes it again. */
  noteRefusal(refusal: string | undefined): void {
    this.#metrics.credentialsRefused.set({ upstream: this.#upstream }, refusal === undefined ? 0 : 1)
  }

  /** The state as the port has it. */
  report({ refusal, limitedUntilMs, tokens, waiting }: HealthSources): UpstreamHealth {
    return {
      isReachable: this.#isReachable,
      refusedCredentials: refusal(),
      lastError: this.#lastError?.message,
      lastErrorAtMs: this.#lastError?.atMs,
      limitedUntilMs: limitedUntilMs(),
      rateLimit: this.#rateLimit,
      rateLimitAtMs: this.#rateLimitAtMs,
      tokens: tokens(),
      waiting: waiting(),
    }
  }

  /** The budget of an address that is ours no longer. */
  #forgetLimitsOf(source: string): void {
    const { rateLimit, rateLimitRemaining, dockerHubLimit, dockerHubRemaining } = this.#metrics
    for (const gauge of [rateLimit, rateLimitRemaining]) gauge.remove({ upstream: this.#upstream, source })
    if (!this.#isDockerHub) return
    for (const gauge of [dockerHubLimit, dockerHubRemaining]) gauge.remove({ reqsource: source })
  }

  #noteReachable(isReachable: boolean): void {
    this.#isReachable = isReachable
    this.#failuresInARow = isReachable ? 0 : this.#failuresInARow + 1
    this.#metrics.upstreamUp.set({ upstream: this.#upstream }, isReachable ? 1 : 0)
  }
}
