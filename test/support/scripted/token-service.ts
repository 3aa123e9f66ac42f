/** The token service of the scripted upstream (distribution's token authentication, GET and POST). */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** How the scripted upstream guards its content by tokens. All optional: anonymous tokens by GET, all is public. */
export interface TokenRules {
  /** Account → password. */
  readonly users?: Readonly<Record<string, string>>
  /** Repositories that only accounts may pull. */
  readonly private?: readonly string[]
  /** Realm of the challenge, instead of the upstream's own `/token`. */
  readonly realm?: string
  /** Default `scripted`; `null` leaves it out of the challenge. */
  readonly service?: string | null
  /** `expires_in` of the answer in seconds; default 300; `null` leaves it out. */
  readonly expiresInS?: number | null
  /** Name of the field that holds the token; default `token`. */
  readonly field?: 'token' | 'access_token'
  /** Methods that the realm takes; the other is 405. Default both. */
  readonly method?: 'GET' | 'POST'
  /** Scope of the challenge, instead of `repository:<name>:pull`. `null` leaves it out. */
  readonly challengeScope?: string | null
  /** Scope that a token must have been asked with, instead of `repository:<name>:pull`. */
  readonly neededScope?: string
  /** Status for a token that is no longer valid; default 401. public.ecr.aws says 400. */
  readonly invalidStatus?: 400 | 401
}

/** An answer of the token service. */
export interface TokenAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const UNAUTHORIZED: TokenAnswer = {
  status: 401,
  body: { errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] },
}

/** The account and password of a Basic `Authorization` header. */
export const readBasic = (header: string | undefined): [account: string, password: string] | undefined => {
  const encoded = /^Basic (.+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [account = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':')
  return [account, password.join(':')]
}

/** Issues tokens and knows what each of them opens. */
export class TokenService {
  readonly rules: TokenRules
  readonly #scopesByToken = new Map<string, ReadonlySet<string>>()

  constructor(rules: TokenRules) {
    this.rules = rules
  }

  /** Answers `GET` or `POST` of the realm. `query` is that of the URL, or the form of a POST. */
  answer(method: string, query: URLSearchParams, headers: IncomingHttpHeaders): TokenAnswer {
    const { method: only, users = {}, field = 'token', expiresInS = 300 } = this.rules
    if (only !== undefined && method !== only) return { status: 405, body: {} }
    const basic = method === 'POST' ? formCredentials(query) : readBasic(headers.authorization)
    if (basic !== undefined && (users[basic[0]] === undefined || users[basic[0]] !== basic[1]))
      return UNAUTHORIZED
    const scopes = query.getAll('scope').flatMap((scope) => scope.split(' '))
    const isHidden = (scope: string) =>
      basic === undefined && (this.rules.private ?? []).some((name) => scope === `repository:${name}:pull`)
    const token = randomUUID()
    this.#scopesByToken.set(token, new Set(scopes.filter((scope) => !isHidden(scope))))
    const body = { [method === 'POST' ? 'access_token' : field]: token }
    return { status: 200, body: expiresInS === null ? body : { ...body, expires_in: expiresInS } }
  }

  /** Whether the `Authorization` header opens `name`: yes, no such right, or the token is none of ours (any more). */
  check(header: string | undefined, name: string): 'granted' | 'insufficient' | 'invalid' | 'missing' {
    const token = /^Bearer (.+)$/i.exec(header ?? '')?.[1]
    if (token === undefined) return 'missing'
    const scopes = this.#scopesByToken.get(token)
    if (scopes === undefined) return 'invalid'
    return scopes.has(this.rules.neededScope ?? `repository:${name}:pull`) ? 'granted' : 'insufficient'
  }

  /** Makes every token issued so far invalid. */
  expireAll(): void {
    this.#scopesByToken.clear()
  }

  /** The challenge of a 401. */
  challenge(ownRealm: string, name: string | undefined, error: string | undefined): string {
    const {
      realm = ownRealm,
      service = 'scripted',
      challengeScope = name && `repository:${name}:pull`,
    } = this.rules
    const parameters = { realm, service, scope: challengeScope, error }
    const pairs = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null)
    return `Bearer ${pairs.map(([key, value]) => `${key}="${value}"`).join(',')}`
  }
}

const formCredentials = (form: URLSearchParams): [string, string] | undefined => {
  const account = form.get('username')
  return account === null ? undefined : [account, form.get('password') ?? '']
}
