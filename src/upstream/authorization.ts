/**
 * What a request carries to be let in (the token dance; design, Upstream manners; protocol 5.8). No extra round trips:
 * nothing is sent to `/v2/`; the first request goes bare and its 401 teaches the challenge, which is remembered, so
 * that from then on the token is there before the request.
 */
import { LRUCache } from 'lru-cache'
import type { Challenge } from '../protocol/challenge.ts'
import { formatScope, parseScopes } from '../protocol/challenge.ts'
import type { Account } from './account.ts'
import { basicAuthorization, type Credentials } from './credentials.ts'
import { judgeRealm } from './realm.ts'
import type { TokenCache, TokenResult } from './token-cache.ts'
import type { TokenRequest } from './token-request.ts'
import { UpstreamError } from './upstream.ts'

/** What a request carries. */
export interface Pass {
  /** `Authorization`, or `undefined` for none. */
  readonly header: string | undefined
  /** Whose pass it is. `undefined`: anonymous. */
  readonly credentials: Credentials | undefined
  /** For a token: what it was asked with, and whether it was kept from before. */
  readonly token?: { readonly request: TokenRequest; readonly value: string; readonly isCached: boolean }
}

/** A pass, or that this account is given none for this repository. */
export type PassResult = Pass | 'denied'

/** What an authorization works with. */
export interface AuthorizationOptions {
  /** Name of the upstream, for messages. */
  readonly upstream: string
  readonly remote: URL
  readonly realms: readonly string[]
  readonly account: Account
  readonly tokens: TokenCache
  /** Told of a realm that is not allowed. */
  readonly onForbiddenRealm: () => void
}

/** How the upstream wants to be asked, as its last challenge said. */
type Scheme =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string | undefined }

/** Repositories whose token needs another scope than the usual one. */
const MAX_ODD_SCOPES = 1000
/** A scope that an upstream may ask for: not longer, and nothing that a query could not hold. */
const SANE_SCOPE = /^[\w:/.,*@()+ -]{1,512}$/

const schemeOf = (challenges: readonly Challenge[]): Scheme | undefined => {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm)
  if (bearer !== undefined) {
    const { realm = '', service } = bearer.parameters
    return { kind: 'bearer', realm, service: service || undefined }
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined
}

const isSameScope = (a: string, b: string): boolean => {
  const normal = (text: string) =>
    parseScopes(text).map((scope) => formatScope({ ...scope, actions: [...scope.actions].sort() }))
  return a === b || (normal(a).length > 0 && normal(a).sort().join(' ') === normal(b).sort().join(' '))
}

/** The scope that a challenge asks for, where it is one that we may ask with. */
const scopeOf = (challenges: readonly Challenge[]): string | undefined => {
  const scope = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters.scope
  return scope !== undefined && SANE_SCOPE.test(scope) ? scope : undefined
}

/** The passes for one upstream. */
export class Authorization {
  readonly #options: AuthorizationOptions
  readonly #oddScopes = new LRUCache<string, string>({ max: MAX_ODD_SCOPES })
  #scheme: Scheme | undefined

  constructor(options: AuthorizationOptions) {
    this.#options = options
  }

  /**
   * The pass for a request on repository `name`.
   * @param isAnonymous without the account, whatever is configured
   * @throws UpstreamError, `forbidden` for a realm that may not have the password
   */
  async passFor(name: string, isAnonymous = false): Promise<PassResult> {
    if (isAnonymous) return await this.#make(name, undefined, undefined)
    return await this.#options.account.use((credentials) => this.#make(name, credentials, undefined))
  }

  /**
   * What to try instead of `pass`, which the upstream did not accept; `undefined`: nothing.
   * @param challenges those of its 401; none where it said so by another status
   * @throws UpstreamError as {@link passFor}
   */
  async passAfter(
    name: string,
    pass: Pass,
    challenges: readonly Challenge[],
    isAnonymous = false,
  ): Promise<PassResult | undefined> {
    const scheme = schemeOf(challenges)
    if (scheme !== undefined) this.#scheme = scheme
    if (pass.token !== undefined) return await this.#afterToken(name, pass, challenges)
    if (pass.header !== undefined) return await this.#afterBasic(name, pass, isAnonymous)
    if (scheme === undefined) return undefined
    const next = await this.passFor(name, isAnonymous)
    return next !== 'denied' && next.header === undefined ? undefined : next
  }

  /** The upstream let `pass` through. */
  noteAccepted(pass: Pass): void {
    if (pass.credentials !== undefined) this.#options.account.accept()
  }

  async #afterToken(
    name: string,
    { token, credentials }: Pass,
    challenges: readonly Challenge[],
  ): Promise<PassResult | undefined> {
    if (token === undefined) return undefined
    if (token.isCached) return await this.#make(name, credentials, token.value)
    const scope = scopeOf(challenges)
    if (scope === undefined || isSameScope(scope, token.request.scope)) return undefined
    this.#oddScopes.set(name, scope)
    return await this.#make(name, credentials, undefined)
  }

  async #afterBasic(
    name: string,
    { credentials }: Pass,
    isAnonymous: boolean,
  ): Promise<PassResult | undefined> {
    if (credentials === undefined) return undefined
    const newer = await this.#refuse(credentials)
    return isAnonymous ? undefined : await this.#make(name, newer, undefined)
  }

  async #refuse(credentials: Credentials): Promise<Credentials | undefined> {
    const { account, upstream } = this.#options
    const why = `${upstream} refuses the password of ${credentials.username}: not tried again for some minutes, check username and password`
    return await account.refuse(credentials, why)
  }

  async #make(
    name: string,
    credentials: Credentials | undefined,
    expired: string | undefined,
  ): Promise<PassResult> {
    const scheme = this.#scheme
    if (scheme === undefined) return { header: undefined, credentials: undefined }
    if (scheme.kind === 'basic')
      return credentials === undefined
        ? { header: undefined, credentials }
        : { header: basicAuthorization(credentials), credentials }
    const request = await this.#tokenRequest(scheme, name, credentials)
    const { tokens } = this.#options
    const result = await (expired === undefined ? tokens.get(request) : tokens.renew(request, expired))
    if (result.kind === 'token') return this.#passOf(request, result)
    if (result.kind === 'denied' || credentials === undefined) return 'denied'
    // The token service refuses the account itself: newer credentials, else go on as anonymous.
    return await this.#make(name, await this.#refuse(credentials), undefined)
  }

  #passOf(request: TokenRequest, { token, isCached }: TokenResult & { kind: 'token' }): Pass {
    const { credentials } = request
    if (credentials !== undefined) this.#options.account.accept()
    return { header: `Bearer ${token}`, credentials, token: { request, value: token, isCached } }
  }

  async #tokenRequest(
    { realm, service }: Scheme & { kind: 'bearer' },
    name: string,
    credentials: Credentials | undefined,
  ): Promise<TokenRequest> {
    const { upstream, remote, realms, account, onForbiddenRealm } = this.#options
    const verdict = await judgeRealm(realm, remote, realms)
    const isForbidden = verdict.kind === 'unusable' || (verdict.kind === 'anonymous' && account.isConfigured)
    if (isForbidden) {
      onForbiddenRealm()
      throw new UpstreamError('forbidden', `no token is asked of ${upstream}: ${verdict.why}`)
    }
    const scope = this.#oddScopes.get(name) ?? formatScope({ type: 'repository', name, actions: ['pull'] })
    return { realm: verdict.url, service, scope, credentials }
  }
}
