/**
 * Tokens by realm, service, scope and account: fetched once however many want one, kept until shortly before they
 * expire, renewed once and not by everybody who finds one expired.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import { Memory } from '../memory.ts'
import type { Token, TokenOutcome, TokenRequest } from './token-request.ts'

/** A token for use, or why there is none. */
export type TokenResult =
  | { readonly kind: 'token'; readonly token: string; readonly isCached: boolean }
  | Exclude<TokenOutcome, { kind: 'token' }>

/** A token is renewed this part of its life before it expires … */
const RENEW_BEFORE_SHARE = 0.25
/** … but no more than this, in milliseconds. */
const RENEW_BEFORE_MS = 15_000
/** Most tokens that are counted: far more scopes than are asked for within a token's life. */
const MAX_COUNTED = 10_000

const keyOf = (upstream: string, { realm, service, scope, credentials }: TokenRequest): string =>
  `token ${JSON.stringify([upstream, realm.href, service, scope, credentials?.username])}`

const usableMs = ({ lifetimeMs }: Token): number =>
  lifetimeMs - Math.min(RENEW_BEFORE_MS, lifetimeMs * RENEW_BEFORE_SHARE)

/** The tokens for one upstream. */
export class TokenCache {
  readonly #upstream: string
  readonly #coordinator: Coordinator
  readonly #fetch: (request: TokenRequest) => Promise<TokenOutcome>
  /** Keys of the tokens that this process has fetched, as long as they are kept: to be counted. */
  readonly #kept: Memory<string, true>

  /**
   * @param fetch asks the token service; has a deadline of its own
   * @param now milliseconds
   */
  constructor(
    upstream: string,
    coordinator: Coordinator,
    fetch: (request: TokenRequest) => Promise<TokenOutcome>,
    now: () => number,
  ) {
    this.#upstream = upstream
    this.#coordinator = coordinator
    this.#fetch = fetch
    this.#kept = new Memory(MAX_COUNTED, { ttlResolution: 0, perf: { now } })
  }

  /** How many tokens are kept. */
  get count(): number {
    this.#kept.purgeStale()
    return this.#kept.size
  }

  /** The kept token, or a fresh one. @throws UpstreamError */
  async get(request: TokenRequest): Promise<TokenResult> {
    const key = keyOf(this.#upstream, request)
    const kept = await this.#coordinator.recall(key)
    if (typeof kept === 'string') return { kind: 'token', token: kept, isCached: true }
    const outcome = await this.#coordinator.once(key, () => this.#fetchAndKeep(key, request))
    return outcome.kind === 'token' ? { kind: 'token', token: outcome.token.token, isCached: false } : outcome
  }

  /** A token instead of `expired`, unless somebody has renewed it already. @throws UpstreamError */
  async renew(request: TokenRequest, expired: string): Promise<TokenResult> {
    const key = keyOf(this.#upstream, request)
    if ((await this.#coordinator.recall(key)) === expired) {
      this.#kept.delete(key)
      await this.#coordinator.forget(key)
    }
    return await this.get(request)
  }

  async #keep(key: string, token: Token): Promise<void> {
    const ttlMs = usableMs(token)
    // To the memory a time of 0 means for ever.
    if (ttlMs > 0) this.#kept.set(key, true, { ttl: ttlMs })
    await this.#coordinator.remember(key, token.token, ttlMs)
  }

  async #fetchAndKeep(key: string, request: TokenRequest): Promise<TokenOutcome> {
    const outcome = await this.#fetch(request)
    if (outcome.kind === 'token') await this.#keep(key, outcome.token)
    return outcome
  }
}
