/**
 * The port to whoever tells who asks: credentials → identity. Behind it stand htpasswd, tokens, or nobody
 * (`auth` unset: everyone is anonymous). What an identity may do is `access/decide`.
 */
import type { Scope } from '../protocol/challenge.ts'
import type { RegistryError } from '../protocol/error.ts'

/** Who asks. */
export interface Identity {
  /** Account name; empty for anonymous. */
  readonly account: string
  /** Accesses that a verified token carries; `undefined` where the identity did not come with a token. */
  readonly granted: readonly Scope[] | undefined
}

/** Nobody in particular. */
export const ANONYMOUS: Identity = { account: '', granted: undefined }

/** What came of the credentials. */
export type Identification =
  | { readonly kind: 'identified'; readonly identity: Identity }
  /** No credentials were sent. */
  | { readonly kind: 'anonymous' }
  /** Credentials were sent and are no good; `error` is the `error` of RFC 6750 for a token. */
  | { readonly kind: 'refused'; readonly error: 'invalid_token' | undefined; readonly reason: string }
  /** Credentials were sent and not looked at: too many wait, or too many were wrong. `error` says when to come again. */
  | { readonly kind: 'unchecked'; readonly error: RegistryError }

/**
 * Credentials that were of no use, for statistics: a wrong password, a token that is none, or either of them not looked
 * at (too many guesses, too many at once).
 */
export type RefusedLogin = 'password' | 'token' | 'unchecked'

/** The origin of a request as its client sees it, for absolute URLs: `https://registry.example`. */
export interface RequestOrigin {
  readonly origin: string
  /** The client's address, for limits and logs. */
  readonly address: string
}

/** What a challenge says of a token that was sent (RFC 6750, 3.1). */
export type TokenError = 'invalid_token' | 'insufficient_scope'

/** Tells who asks, and what to ask of those who did not say. */
export interface Authenticator {
  /** @param authorization the `Authorization` header */
  identify(authorization: string | undefined, request: RequestOrigin): Promise<Identification>
  /** The value of `WWW-Authenticate` for accesses that are wanted (none on `/v2/`); exactly one challenge. */
  challenge(wanted: readonly Scope[], request: RequestOrigin, error?: TokenError): string
}
