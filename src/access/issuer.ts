/**
 * The authorization service that is built in: who asks → a token for what he may (protocol.md §5.3 to §5.6, design §4).
 * A request that names only pulls which anonymous may do gets anonymous's token whatever credentials came with it:
 * dockerd sends Docker Hub's password, or its identity token, to its mirrors, and leaves for the Hub on a 401. With any
 * other request, wrong credentials are 401; one that names nothing is `docker login` itself.
 */
import { randomUUID } from 'node:crypto'
import type { Scope } from '../protocol/challenge.ts'
import { formatChallenge } from '../protocol/challenge.ts'
import { RegistryError } from '../protocol/error.ts'
import type { PasswordAccounts } from './accounts.ts'
import type { RefusedLogin } from './authenticate.ts'
import { judge, type Policy } from './decide.ts'
import type { KeyRing } from './key-ring.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { Action } from './rules.ts'
import type { IssuedToken, TokenRequest } from './token-request.ts'

/** Shortest life of a token, in seconds: Go clients take shorter ones for 60. */
const MIN_LIFETIME_S = 60

/** Life of a token, in seconds. */
const DEFAULT_LIFETIME_S = 300

const ACTIONS: readonly Action[] = ['pull', 'push', 'delete']

/** A repository as a scope names it. */
export interface ScopedRepository {
  /** Stored name. */
  readonly repository: string
  readonly content: 'mirrored' | 'local'
}

/** What tokens are made from. */
export interface TokenIssuerOptions {
  readonly issuer: string
  /** The registry's name: audience of every token. */
  readonly service: string
  readonly realm: string
  readonly accounts: PasswordAccounts
  readonly refreshTokens: RefreshTokens
  readonly keys: Pick<KeyRing, 'sign'>
  readonly policy: Policy
  /** The repository that a name means here for an action; `undefined`: none that could be. */
  readonly resolve: (name: string, action: Action) => Promise<ScopedRepository | undefined>
  /** Told of credentials that were of no use. */
  readonly onRefused?: (login: RefusedLogin) => void
  readonly lifetimeS?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

type Login =
  | { readonly kind: 'account'; readonly account: string }
  | { readonly kind: 'refused'; readonly as: RefusedLogin; readonly error: RegistryError }

/** Makes tokens. */
export class TokenIssuer {
  readonly #options: TokenIssuerOptions
  readonly #lifetimeS: number

  constructor(options: TokenIssuerOptions) {
    this.#options = options
    this.#lifetimeS = Math.max(options.lifetimeS ?? DEFAULT_LIFETIME_S, MIN_LIFETIME_S)
  }

  /**
   * A token with as much of what is asked as the asker may; that may be nothing.
   * @param address where the request comes from
   * @throws RegistryError `UNAUTHORIZED` for wrong credentials, 400 for another registry's name, 429 or 503 where the
   * password could not be checked
   */
  async issue(request: TokenRequest, address: string): Promise<IssuedToken> {
    const { service } = this.#options
    if (request.service !== undefined && request.service !== service)
      throw new RegistryError('UNSUPPORTED', {
        status: 400,
        message: `this authorization service knows ${service} and no other`,
      })
    const login = await this.#login(request, address)
    if (login.kind === 'account') return this.#grant(login.account, request)
    if (await this.#isForAnyone(request.scopes)) return this.#grant('', request)
    this.#options.onRefused?.(login.as)
    throw login.error
  }

  async #login({ credentials }: TokenRequest, address: string): Promise<Login> {
    const { accounts, refreshTokens } = this.#options
    switch (credentials.kind) {
      case 'none':
        return { kind: 'account', account: '' }
      case 'basic': {
        const { account, password } = credentials
        const answer = await accounts.check(account, password, address)
        if (answer.kind === 'right') return { kind: 'account', account }
        if (answer.kind === 'later') return { kind: 'refused', as: 'unchecked', error: answer.error }
        return { kind: 'refused', as: 'password', error: this.#unauthorized() }
      }
      case 'refresh': {
        const account = await refreshTokens.accountOf(credentials.token)
        if (account !== undefined) return { kind: 'account', account }
        return {
          kind: 'refused',
          as: 'token',
          error: this.#unauthorized('the login has ended: log in again'),
        }
      }
      case 'other':
        return { kind: 'refused', as: 'password', error: this.#unauthorized() }
    }
  }

  #unauthorized(message = 'wrong password or unknown account'): RegistryError {
    const challenge = formatChallenge('Basic', { realm: this.#options.realm })
    return new RegistryError('UNAUTHORIZED', { message, headers: { 'WWW-Authenticate': challenge } })
  }

  /** Whether all that is asked, and something is, are pulls that anonymous may do. */
  async #isForAnyone(scopes: readonly Scope[]): Promise<boolean> {
    const isPull = ({ type, actions }: Scope): boolean =>
      type === 'repository' && actions.length > 0 && actions.every((action) => action === 'pull')
    if (scopes.length === 0 || !scopes.every(isPull)) return false
    const granted = await Promise.all(scopes.map((scope) => this.#cut(scope, '')))
    return granted.every(({ actions }) => actions.length > 0)
  }

  async #grant(account: string, { scopes, wantsRefreshToken }: TokenRequest): Promise<IssuedToken> {
    const { issuer, service, keys, now, refreshTokens } = this.#options
    const cut = await Promise.all(scopes.map((scope) => this.#cut(scope, account)))
    const granted = cut.filter(({ actions }) => actions.length > 0)
    const issuedAtMs = now()
    const iat = Math.floor(issuedAtMs / 1000)
    const token = await keys.sign({
      iss: issuer,
      sub: account,
      aud: service,
      iat,
      nbf: iat,
      exp: iat + this.#lifetimeS,
      jti: randomUUID(),
      access: granted,
    })
    const refreshToken = wantsRefreshToken && account !== '' ? await refreshTokens.issue(account) : undefined
    return { account, token, expiresInS: this.#lifetimeS, issuedAtMs, granted, refreshToken }
  }

  /** What of a scope an account may. What hangs on an upstream is granted: the registry finds out, and decides again. */
  async #cut({ type, name, actions }: Scope, account: string): Promise<Scope> {
    if (type === 'registry' && name === 'catalog') {
      const isAllowed = actions.includes('*') && judge(this.#options.policy, account, 'catalog') !== 'no'
      return { type, name, actions: isAllowed ? ['*'] : [] }
    }
    if (type !== 'repository') return { type, name, actions: [] }
    const asked = actions.includes('*') ? ACTIONS : ACTIONS.filter((action) => actions.includes(action))
    const allowed = await Promise.all(asked.map((action) => this.#may(account, name, action, asked)))
    return { type, name, actions: asked.filter((_, index) => allowed[index]) }
  }

  /** A first push finds a name that may still mean an upstream's: to pull what it pushed comes with it. */
  async #may(account: string, name: string, action: Action, asked: readonly Action[]): Promise<boolean> {
    const meanings = action === 'pull' && asked.includes('push') ? (['pull', 'push'] as const) : [action]
    for (const meaning of meanings) {
      const found = await this.#options.resolve(name, meaning)
      if (found === undefined) continue
      const wanted = { ...found, scopeName: name, actions: [action], isPublic: undefined }
      if (judge(this.#options.policy, account, wanted) !== 'no') return true
    }
    return false
  }
}
