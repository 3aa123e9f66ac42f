/**
 * Tokens by realm, service, scope and account: fetched once however many want one, kept until shortly before they
 * expire, renewed once and not by everybody who finds one expired.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Token, TokenOutcome, TokenRequest } from './token-request.ts'

/** A token for use, or why there is none. */
export type TokenResult =
  | { readonly kind: 'token'; readonly token: string; readonly isCached: boolean }
  | Exclude<TokenOutcome, { kind: 'token' }>

/** A token is renewed this part of its life before it expires … */
const RENEW_BEFORE_SHARE = 0.25
/** … but no more than this, in milliseconds. */
const RENEW_BEFORE_MS = 15_000

const keyOf = (upstream: string, { realm, service, scope, credentials }: TokenRequest): string =>
  `token ${JSON.stringify([upstream, realm.href, service, scope, credentials?.username])}`

const usableMs = ({ lifetimeMs }: Token): number =>
  lifetimeMs - Math.min(RENEW_BEFORE_MS, lifetimeMs * RENEW_BEFORE_SHARE)

/** The tokens for one upstream. */
export class TokenCache {
  readonly #upstream: string
  readonly #coordinator: Coordinator
  readonly #fetch: (request: TokenRequest) => Promise<TokenOutcome>

  /** @param fetch asks the token service; has a deadline of its own */
  constructor(
    upstream: string,
    coordinator: Coordinator,
    fetch: (request: TokenRequest) => Promise<TokenOutcome>,
  ) {
    this.#upstream = upstream
    this.#coordinator = coordinator
    this.#fetch = fetch
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
    if ((await this.#coordinator.recall(key)) === expired) await this.#coordinator.forget(key)
    return await this.get(request)
  }

  async #fetchAndKeep(key: string, request: TokenRequest): Promise<TokenOutcome> {
    const outcome = await this.#fetch(request)
    if (outcome.kind === 'token')
      await this.#coordinator.remember(key, outcome.token.token, usableMs(outcome.token))
    return outcome
  }
}
