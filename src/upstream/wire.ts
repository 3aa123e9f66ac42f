/**
 * One request to an upstream, or to where it leads, with all that is to be kept of it: gates that a 429 has closed,
 * metrics, rate limits, reachability.
 */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Answer } from './answer.ts'
import type { Exchange } from './exchange.ts'
import { inContext } from './failure.ts'
import type { GateKind, Gates } from './gates.ts'
import type { Health } from './health.ts'
import { readRateLimit, readRetryAfterMs } from './rate-limit.ts'
import { follow } from './redirect.ts'
import { failureOf, isAbuseLimit, type Reply } from './reply.ts'
import type { Transport } from './transport.ts'
import { UpstreamError } from './upstream.ts'

/** What a wire works with. */
export interface WireOptions {
  /** Name of the upstream. */
  readonly upstream: string
  readonly transport: Transport
  /** `User-Agent` of every request: some servers refuse those without. */
  readonly userAgent: string
  readonly gates: Gates
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What is asked, and for whom: for gates, metrics and messages. */
export interface Purpose {
  readonly kind: GateKind
  /** Account that the request speaks for; empty for anonymous. */
  readonly account: string
  /** What is asked of whom: `docker.io, manifest of library/alpine:latest`. */
  readonly what: string
}

const MS_PER_S = 1000

/** Sends requests, and keeps the books. */
export class Wire {
  readonly #options: WireOptions

  constructor(options: WireOptions) {
    this.#options = options
  }

  /**
   * Sends a request and, unless it is a POST, follows redirects. The caller reads the body or destroys it.
   * @throws UpstreamError `limited` without asking while a gate is closed; or the reason of the request's signal
   */
  async send(purpose: Purpose, request: Omit<Exchange, 'what'>): Promise<Answer> {
    const { transport, userAgent, gates, health, log } = this.#options
    const { kind, account, what } = purpose
    gates.check(kind, account)
    // Bytes as they are: an encoding would change digests and offsets.
    const headers = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers }
    const exchange = { ...request, headers, what }
    const startMs = performance.now()
    try {
      const send = (each: Exchange) => transport.send(each)
      const answer = await (request.method === 'POST' ? send(exchange) : follow(send, exchange))
      health.noteAnswer(kind, answer.status, (performance.now() - startMs) / MS_PER_S)
      log.debug(
        { upstream: this.#options.upstream, status: answer.status, host: answer.url.host },
        `${request.method} ${what}`,
      )
      const rateLimit = readRateLimit(answer.headers)
      if (rateLimit !== undefined) health.noteRateLimit(rateLimit)
      if (answer.status !== 429) gates.open(kind, account)
      return answer
    } catch (error) {
      throw this.#noteFailure(purpose, error, request.signal)
    }
  }

  /** The error for a 429, which closes a gate. */
  limitedBy({ kind, account, what }: Purpose, reply: Reply): UpstreamError {
    const { gates, now, log, upstream } = this.#options
    const isAbuse = isAbuseLimit(reply)
    const retryAfterMs = gates.close({
      kind,
      account,
      isAbuse,
      retryAfterMs: readRetryAfterMs(reply.headers, now()),
    })
    log.warn(
      { upstream, kind: isAbuse ? 'all' : kind, retryAfterMs },
      'upstream limits the rate: not asked until then',
    )
    const { message, status } = failureOf(reply, { what, refusal: undefined, nowMs: now() })
    return new UpstreamError('limited', message, { status, retryAfterMs })
  }

  #noteFailure({ kind, what }: Purpose, error: unknown, signal: AbortSignal | undefined): unknown {
    const { health, metrics, upstream } = this.#options
    if (!(error instanceof UpstreamError)) return error
    // What its caller has ended says nothing about the upstream; a deadline that ran out does.
    if (signal?.aborted && error === signal.reason && error.kind !== 'timeout') return error
    health.noteFailure(kind, error)
    if (error.kind === 'forbidden')
      metrics.redirectsRefused.inc({ upstream, reason: kind === 'token' ? 'realm' : 'redirect' })
    return inContext(error, what)
  }
}
