/**
 * Asks an upstream until it answers or says no: with a pass, once more with a better one, again after a failure that
 * may be over, within a deadline and from a place in the queue. What is asked and what it means is `registry`'s.
 */
import { parseChallenges } from '../protocol/challenge.ts'
import type { Account } from './account.ts'
import type { Answer } from './answer.ts'
import type { Authorization, Pass } from './authorization.ts'
import { abandonable, withDeadline } from './deadline.ts'
import { inContext, lateError } from './failure.ts'
import type { GateKind } from './gates.ts'
import type { UpstreamLimits } from './limits.ts'
import type { ShortPriority, ShortQueue } from './queue.ts'
import type { Repeat } from './repeat.ts'
import {
  challengesOf,
  failureOf,
  isExpiryComplaint,
  isSuccess,
  type Reply,
  readReply,
  readReplyHead,
} from './reply.ts'
import { SHORT_PLAN } from './retry.ts'
import { type CallOptions, UpstreamError } from './upstream.ts'
import type { Purpose, Wire } from './wire.ts'

/** A question to an upstream. */
export interface Ask {
  readonly kind: Exclude<GateKind, 'token'>
  readonly method: 'GET' | 'HEAD'
  /** Repository, for the scope of the token. */
  readonly name: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** What is asked of whom, for messages: `docker.io, manifest of library/alpine:latest`. */
  readonly what: string
  /** Largest body that is taken, in bytes. */
  readonly maxBytes: number
  /** The body of a success is not wanted. */
  readonly isHeadEnough?: boolean
  /** Asked without the account, whatever is configured. */
  readonly isAnonymous?: boolean
}

/** What a requester works with. */
export interface RequesterOptions {
  readonly wire: Wire
  readonly authorization: Authorization
  readonly account: Account
  readonly shortQueue: ShortQueue
  readonly repeat: Repeat
  readonly limits: UpstreamLimits
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Requests of one question: a bare one or one with an expired token, a renewed token, a token for another scope. */
const MAX_PASSES = 3

interface Timing {
  readonly signal: AbortSignal | undefined
  readonly headMs: number
  readonly stallMs: number
}

const purposeOf = ({ kind, what }: Ask, { credentials }: Pass): Purpose => ({
  kind,
  what,
  account: credentials?.username ?? '',
})

/** Asks one upstream. */
export class Requester {
  readonly #options: RequesterOptions

  constructor(options: RequesterOptions) {
    this.#options = options
  }

  /**
   * Asks for something short, and reads the whole answer.
   * @returns an answer with a status of 2xx
   * @throws UpstreamError for any other, or the reason of the signal
   */
  async ask(ask: Ask, options: CallOptions = {}): Promise<Reply> {
    const { limits, repeat } = this.#options
    const callMs = options.deadlineMs ?? limits.callMs
    const late = () => inContext(lateError(callMs), ask.what)
    return await withDeadline(callMs, options.signal, late, (signal) =>
      repeat({ plan: SHORT_PLAN, leftMs: callMs, signal }, () =>
        this.#dance<Reply>(ask, signal, (pass, isContinued) =>
          this.#askInPlace(ask, pass, isContinued ? 'continued' : (options.priority ?? 'client'), signal),
        ),
      ),
    )
  }

  /**
   * Asks once for something long: its body is the caller's to read or destroy, and a place in a queue too.
   * @param headMs time until the head of the answer is there, in milliseconds
   * @param signal ends it, also while its body is on the way
   */
  async open(ask: Ask, headMs: number, signal: AbortSignal | undefined): Promise<Answer> {
    const endAtMs = performance.now() + headMs
    return await this.#dance<Answer>(ask, signal, async (pass) => {
      const leftMs = Math.max(1, endAtMs - performance.now())
      const timing = { signal, headMs: leftMs, stallMs: this.#options.limits.stallMs }
      const answer = await this.#send(ask, pass, timing)
      return isSuccess(answer.status) ? answer : await this.#readRefusal(ask, answer, leftMs)
    })
  }

  /** A refusal's body may not take longer than its head. */
  async #readRefusal(ask: Ask, answer: Answer, ms: number): Promise<Reply> {
    const timer = setTimeout(() => answer.body.destroy(inContext(lateError(ms), ask.what)), ms)
    try {
      return await readReply(answer, ask.url, ask.maxBytes)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks with one pass after another, until one is let in or there is no better one. */
  async #dance<T extends Reply | Answer>(
    ask: Ask,
    signal: AbortSignal | undefined,
    attempt: (pass: Pass, isContinued: boolean) => Promise<T | Reply>,
  ): Promise<T> {
    const { authorization, wire } = this.#options
    let pass = await abandonable(authorization.passFor(ask.name, ask.isAnonymous), signal)
    for (let passes = 1; ; passes += 1) {
      if (pass === 'denied') throw this.#denied(ask)
      const result = await attempt(pass, passes > 1)
      if (isSuccess(result.status)) {
        authorization.noteAccepted(pass)
        return result as T
      }
      const reply = result as Reply
      if (reply.status === 429) throw wire.limitedBy(purposeOf(ask, pass), reply)
      const next =
        passes < MAX_PASSES ? await abandonable(this.#passAfter(ask, pass, reply), signal) : undefined
      if (next === undefined) throw this.#failure(ask, reply)
      pass = next
    }
  }

  async #passAfter(ask: Ask, pass: Pass, reply: Reply): ReturnType<Authorization['passAfter']> {
    if (reply.status !== 401 && !isExpiryComplaint(reply)) return undefined
    if (reply.isRedirected) return undefined
    const challenges = parseChallenges(challengesOf(reply))
    return await this.#options.authorization.passAfter(ask.name, pass, challenges, ask.isAnonymous)
  }

  async #askInPlace(ask: Ask, pass: Pass, priority: ShortPriority, signal: AbortSignal): Promise<Reply> {
    const { shortQueue, limits } = this.#options
    const { shortMs } = limits
    const late = () => inContext(lateError(shortMs), ask.what)
    return await shortQueue.run(priority, signal, () =>
      withDeadline(shortMs, signal, late, async (own) => {
        const answer = await this.#send(ask, pass, { signal: own, headMs: shortMs, stallMs: shortMs })
        return await (ask.isHeadEnough
          ? readReplyHead(answer, ask.url)
          : readReply(answer, ask.url, ask.maxBytes))
      }),
    )
  }

  async #send(ask: Ask, pass: Pass, timing: Timing): Promise<Answer> {
    const { method, url } = ask
    const headers = pass.header === undefined ? ask.headers : { ...ask.headers, authorization: pass.header }
    return await this.#options.wire.send(purposeOf(ask, pass), { method, url, headers, ...timing })
  }

  #refusal(ask: Ask): string | undefined {
    return ask.isAnonymous ? undefined : this.#options.account.refusal
  }

  #failure(ask: Ask, reply: Reply): UpstreamError {
    const { what } = ask
    return failureOf(reply, { what, refusal: this.#refusal(ask), nowMs: this.#options.now() })
  }

  #denied(ask: Ask): UpstreamError {
    const refusal = this.#refusal(ask)
    return refusal === undefined
      ? new UpstreamError('absent', `${ask.what}: not there: no token is given for it`)
      : new UpstreamError('refused', `${ask.what}: not shown to anonymous, and ${refusal}`)
  }
}
