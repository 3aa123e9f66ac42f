/**
 * Requests to a token service (distribution's token authentication: GET, and OAuth2 POST where GET is refused;
 * protocol 5.3 to 5.5).
 */
import { basicAuthorization, type Credentials } from './credentials.ts'
import type { Reply } from './reply.ts'
import { UpstreamError } from './upstream.ts'

/** Which token is wanted. */
export interface TokenRequest {
  readonly realm: URL
  readonly service: string | undefined
  readonly scope: string
  /** `undefined`: an anonymous token. */
  readonly credentials: Credentials | undefined
}

/** A token, and how long it is good from its receipt, in milliseconds. */
export interface Token {
  readonly token: string
  readonly lifetimeMs: number
}

/** What came of a request: a token; the account refused; or no token for this scope. */
export type TokenOutcome =
  | { readonly kind: 'token'; readonly token: Token }
  | { readonly kind: 'refused' }
  | { readonly kind: 'denied' }

/** A request to the realm, ready to be sent. */
export interface RealmRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Account that it speaks for; empty for anonymous. */
  readonly account: string
}

const CLIENT_ID = 'entrepot'

/** Life of a token whose service does not say, in seconds. */
const DEFAULT_LIFETIME_S = 60
/** Longest life that is believed, in seconds. */
const MAX_LIFETIME_S = 24 * 60 * 60

const getRequest = ({ realm, service, scope, credentials }: TokenRequest): RealmRequest => {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('scope', scope)
  if (credentials === undefined) return { method: 'GET', url, headers: {}, account: '' }
  const { username } = credentials
  url.searchParams.set('account', username)
  return {
    method: 'GET',
    url,
    headers: { authorization: basicAuthorization(credentials) },
    account: username,
  }
}

const postRequest = (
  { realm, service, scope }: TokenRequest,
  { username, password }: Credentials,
): RealmRequest => ({
  method: 'POST',
  url: realm,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({
    grant_type: 'password',
    service: service ?? '',
    client_id: CLIENT_ID,
    scope,
    username,
    password,
  }).toString(),
  account: username,
})

const parseJson = (bytes: Buffer): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** A token goes into a header: nothing else than what a header may hold. */
const isToken = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

const readToken = ({ bytes, url, status }: Reply): Token => {
  const { token, access_token: alias, expires_in: expiresIn } = parseJson(bytes)
  const found = [token, alias].find(isToken)
  if (found === undefined)
    throw new UpstreamError('status', `token service ${url.host} answered without a token`, { status })
  const seconds = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : DEFAULT_LIFETIME_S
  return { token: found, lifetimeMs: Math.min(seconds, MAX_LIFETIME_S) * 1000 }
}

/** Statuses by which a realm says that it does not take the method. */
const isWrongMethod = (status: number): boolean => status === 404 || status === 405

const outcomeOf = (reply: Reply): TokenOutcome => {
  const { status, url } = reply
  if (status === 200) return { kind: 'token', token: readToken(reply) }
  if (status === 401) return { kind: 'refused' }
  if (status === 403) return { kind: 'denied' }
  throw new UpstreamError('status', `token service ${url.host} answered ${status}`, { status })
}

/**
 * Makes the function that asks for tokens. It remembers which realms want POST.
 * @param send sends a request to the realm; turns 429 and failures into UpstreamError
 */
export const createTokenRequester = (send: (request: RealmRequest) => Promise<Reply>) => {
  const postRealms = new Set<string>()

  return async (request: TokenRequest): Promise<TokenOutcome> => {
    const { realm, credentials } = request
    if (credentials === undefined) return outcomeOf(await send(getRequest(request)))
    if (!postRealms.has(realm.href)) {
      const reply = await send(getRequest(request))
      if (!isWrongMethod(reply.status)) return outcomeOf(reply)
    }
    const outcome = outcomeOf(await send(postRequest(request, credentials)))
    postRealms.add(realm.href)
    return outcome
  }
}
