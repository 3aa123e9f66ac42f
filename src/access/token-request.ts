/**
 * What is asked of the token endpoint, by `GET` or by OAuth2's `POST`, and how it is answered (protocol.md §5.3 to
 * §5.5). Pure: query and form in, values out.
 */
import { parseScopes, type Scope } from '../protocol/challenge.ts'
import { RegistryError } from '../protocol/error.ts'
import { type Credentials, parseCredentials } from './credentials.ts'

/** Most resources in one request; clients ask for one or two. */
const MAX_SCOPES = 100

/** A request for a token. */
export interface TokenRequest {
  /** The registry that it is for; `undefined`: not said. */
  readonly service: string | undefined
  /** One entry a resource. */
  readonly scopes: readonly Scope[]
  readonly credentials: Exclude<Credentials, { kind: 'bearer' }> | RefreshCredentials
  /** Whether a refresh token is wanted as well. */
  readonly wantsRefreshToken: boolean
}

/** A refresh token that was sent instead of a password. */
export interface RefreshCredentials {
  readonly kind: 'refresh'
  readonly token: string
}

/** A token that was made. */
export interface IssuedToken {
  /** Whose it is; empty: anonymous's. */
  readonly account: string
  readonly token: string
  readonly expiresInS: number
  readonly issuedAtMs: number
  readonly granted: readonly Scope[]
  readonly refreshToken: string | undefined
}

/** Reads the query of a `GET`, with the `Authorization` header that came with it. */
export const parseTokenQuery = (query: URLSearchParams, authorization: string | undefined): TokenRequest => {
  const credentials = parseCredentials(authorization)
  return {
    service: query.get('service') || undefined,
    scopes: mergeScopes(query.getAll('scope')),
    credentials: credentials.kind === 'bearer' ? { kind: 'other' } : credentials,
    wantsRefreshToken: query.get('offline_token') === 'true',
  }
}

/**
 * Reads the form of a `POST` (RFC 6749, 4.3.2 and 6).
 * @throws RegistryError 400 for a kind of grant that is not offered
 */
export const parseTokenForm = (form: URLSearchParams): TokenRequest => ({
  service: form.get('service') || undefined,
  scopes: mergeScopes(form.getAll('scope')),
  credentials: grantOf(form),
  wantsRefreshToken: form.get('access_type') === 'offline',
})

const grantOf = (form: URLSearchParams): TokenRequest['credentials'] => {
  switch (form.get('grant_type')) {
    case 'password':
      return { kind: 'basic', account: form.get('username') ?? '', password: form.get('password') ?? '' }
    case 'refresh_token':
      return { kind: 'refresh', token: form.get('refresh_token') ?? '' }
    default:
      throw new RegistryError('UNSUPPORTED', {
        status: 400,
        message: 'grant_type must be password or refresh_token',
      })
  }
}

/** All scopes that were asked, each resource once: several parameters and lists within one are the same. */
const mergeScopes = (texts: readonly string[]): Scope[] => {
  const byResource = new Map<string, { type: string; name: string; actions: Set<string> }>()
  for (const { type, name, actions } of texts.flatMap(parseScopes)) {
    const key = `${type}:${name}`
    const merged = byResource.get(key) ?? { type, name, actions: new Set() }
    for (const action of actions) merged.actions.add(action)
    byResource.set(key, merged)
  }
  if (byResource.size > MAX_SCOPES)
    throw new RegistryError('UNSUPPORTED', { status: 400, message: `more than ${MAX_SCOPES} scopes` })
  return [...byResource.values()].map(({ type, name, actions }) => ({ type, name, actions: [...actions] }))
}

/** The body of an answer. `token` and `access_token` are the same: each form has clients that read the other's name. */
export const formatIssuedToken = (issued: IssuedToken): string =>
  JSON.stringify({
    token: issued.token,
    access_token: issued.token,
    expires_in: issued.expiresInS,
    issued_at: new Date(issued.issuedAtMs).toISOString(),
    scope: issued.granted.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' '),
    ...(issued.refreshToken !== undefined && { refresh_token: issued.refreshToken }),
  })
