/** What is known of an upstream without asking it, and its metrics: written as answers come, read by readiness. */
import type { Metrics } from '../observe/metrics.ts'
import type { RateLimit, UpstreamError, UpstreamHealth } from './upstream.ts'

/** Everything that an upstream's state is read from elsewhere. */
export interface HealthSources {
  readonly refusal: () => string | undefined
  readonly limitedUntilMs: () => number | undefined
}

/** Failures in a row after which an upstream counts as down: as many as the tries of one request. */
const DOWN_AFTER_FAILURES = 3

/** First status that is a failure of the upstream itself. */
const FIRST_SERVER_ERROR = 500

/** The record of one upstream. */
export class Health {
  readonly #upstream: string
  readonly #metrics: Metrics
  readonly #now: () => number
  #isReachable: boolean | undefined
  #failuresInARow = 0
  #lastError: { readonly message: string; readonly atMs: number } | undefined
  #rateLimit: RateLimit | undefined

  /** @param now milliseconds since the epoch */
  constructor(upstream: string, metrics: Metrics, now: () => number) {
    this.#upstream = upstream
    this.#metrics = metrics
    this.#now = now
    metrics.rateLimitKnown.set({ upstream }, 0)
    metrics.credentialsRefused.set({ upstream }, 0)
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
    const upstream = this.#upstream
    const { rateLimit: limit, rateLimitRemaining, rateLimitKnown } = this.#metrics
    const source = rateLimit.source ?? ''
    const lastSource = this.#rateLimit?.source ?? ''
    if (this.#rateLimit !== undefined && lastSource !== source)
      for (const gauge of [limit, rateLimitRemaining]) gauge.remove({ upstream, source: lastSource })
    this.#rateLimit = rateLimit
    limit.set({ upstream, source }, rateLimit.limit)
    rateLimitRemaining.set({ upstream, source }, rateLimit.remaining)
    rateLimitKnown.set({ upstream }, 1)
  }

  /** The upstream began to refuse the account, or takes it again. */
  noteRefusal(refusal: string | undefined): void {
    this.#metrics.credentialsRefused.set({ upstream: this.#upstream }, refusal === undefined ? 0 : 1)
  }

  /** The state as the port has it. */
  report({ refusal, limitedUntilMs }: HealthSources): UpstreamHealth {
    return {
      isReachable: this.#isReachable,
      refusedCredentials: refusal(),
      lastError: this.#lastError?.message,
      lastErrorAtMs: this.#lastError?.atMs,
      limitedUntilMs: limitedUntilMs(),
      rateLimit: this.#rateLimit,
    }
  }

  #noteReachable(isReachable: boolean): void {
    this.#isReachable = isReachable
    this.#failuresInARow = isReachable ? 0 : this.#failuresInARow + 1
    this.#metrics.upstreamUp.set({ upstream: this.#upstream }, isReachable ? 1 : 0)
  }
}
