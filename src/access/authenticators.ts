/**
 * The ways to log in, put together from what is configured: passwords, tokens, or both; and the one challenge that
 * clients learn from `/v2/` (design §4: with anonymous pulls that must be Bearer, also where passwords are accepted).
 */
import { formatChallenge, formatScope } from '../protocol/challenge.ts'
import type { PasswordAccounts } from './accounts.ts'
import type { Authenticator, Identification, RequestOrigin } from './authenticate.ts'
import { parseCredentials } from './credentials.ts'
import type { TokenVerifier } from './token.ts'

/** What is accepted, and what is asked for. At least one of the two is accepted. */
export interface AuthenticatorOptions {
  readonly accounts?: PasswordAccounts | undefined
  readonly verifier?: Pick<TokenVerifier, 'verify'> | undefined
  readonly challenge: Authenticator['challenge']
}

/** Accepts what is given: `Basic` where there are accounts, `Bearer` where there is a verifier. */
export const createAuthenticator = ({
  accounts,
  verifier,
  challenge,
}: AuthenticatorOptions): Authenticator => ({
  challenge,
  identify: async (authorization, request) => {
    const credentials = parseCredentials(authorization)
    switch (credentials.kind) {
      case 'none':
        return { kind: 'anonymous' }
      case 'basic':
        return accounts === undefined
          ? refused('passwords are not accepted here')
          : identifyAccount(accounts, credentials, request)
      case 'bearer':
        return verifier === undefined
          ? refused('tokens are not accepted here')
          : identifyToken(verifier, credentials.token)
      case 'other':
        return refused('the Authorization header makes no sense')
    }
  },
})

/** Nobody can log in: whatever is sent, everybody is anonymous. */
export const openAuthenticator: Authenticator = {
  identify: async () => ({ kind: 'anonymous' }),
  challenge: () => {
    throw new Error('there is nobody to log in as')
  },
}

const refused = (reason: string): Identification => ({ kind: 'refused', error: undefined, reason })

const identifyAccount = async (
  accounts: PasswordAccounts,
  { account, password }: { readonly account: string; readonly password: string },
  { address }: RequestOrigin,
): Promise<Identification> => {
  const answer = await accounts.check(account, password, address)
  if (answer.kind === 'later') return { kind: 'unchecked', error: answer.error }
  if (answer.kind === 'wrong') return refused('wrong password or unknown account')
  return { kind: 'identified', identity: { account, granted: undefined } }
}

const identifyToken = async (
  verifier: Pick<TokenVerifier, 'verify'>,
  token: string,
): Promise<Identification> => {
  const verdict = await verifier.verify(token)
  if (verdict.kind === 'valid') return { kind: 'identified', identity: verdict.identity }
  return { kind: 'refused', error: 'invalid_token', reason: verdict.reason }
}

/** `Basic realm="…"`: passwords with every request. */
export const basicChallenge =
  (realm: string): Authenticator['challenge'] =>
  () =>
    formatChallenge('Basic', { realm })

/** Where tokens are had. */
export interface BearerChallengeOptions {
  /** Absolute URL of the service, or its path on this very registry, whose origin the request tells. */
  readonly realm: string
  readonly service: string
}

/** `Bearer realm="…",service="…",scope="…"`: a token of an authorization service (protocol.md §5.1). */
export const bearerChallenge =
  ({ realm, service }: BearerChallengeOptions): Authenticator['challenge'] =>
  (wanted, { origin }, error) =>
    formatChallenge('Bearer', {
      realm: realm.startsWith('/') ? `${origin}${realm}` : realm,
      service,
      ...(wanted.length > 0 && { scope: wanted.map(formatScope).join(' ') }),
      ...(error !== undefined && { error }),
    })
