/**
 * `auth` of the configuration → how people log in: passwords, tokens, both, or not at all. What only tokens need is loaded
 * with them.
 */
import type { PasswordAccounts } from '../access/accounts.ts'
import type { Authenticator } from '../access/authenticate.ts'
import {
  basicChallenge,
  bearerChallenge,
  createAuthenticator,
  openAuthenticator,
} from '../access/authenticators.ts'
import type { Policy } from '../access/decide.ts'
import { Reloaded } from '../access/reload.ts'
import type { TokenVerifier } from '../access/token.ts'
import { ConfigError } from '../config/error.ts'
import type { Config } from '../config/schema.ts'
import { openAccounts } from './accounts.ts'
import type { BuiltInTokens, TokenServiceOptions } from './token-service.ts'

/** Name of the built-in authorization service, and of this registry to it, unless the configuration has others. */
const OWN_NAME = 'entrepot'

/** What logins are checked with besides the configuration. */
export type AuthenticationTools = Pick<
  TokenServiceOptions,
  'repositories' | 'root' | 'metrics' | 'log' | 'now'
>

/** Logins in use. */
export interface Authentication {
  readonly authenticator: Authenticator
  /** The built-in authorization service, where it is on. */
  readonly tokens: BuiltInTokens | undefined
  /** Accounts with passwords, where there are any. */
  readonly accounts: PasswordAccounts | undefined
  close(): Promise<void>
}

type TokenSettings = NonNullable<NonNullable<Config['auth']>['token']>

/** With a bare password prompt dockerd would not pull what anybody may: it leaves for Docker Hub (design §4). */
const isBuiltIn = ({ auth }: Config, { rules }: Policy): boolean =>
  auth?.token === undefined ? auth?.htpasswd !== undefined && rules.letAnonymousPull : auth.token.entrepot

/** Verifies the tokens of another authorization service. */
const openVerifier = async (
  token: TokenSettings,
  { log, now }: AuthenticationTools,
): Promise<TokenVerifier> => {
  const { TokenVerifier } = await import('../access/token.ts')
  const { parseTrustedKeys } = await import('../access/trusted-keys.ts')
  const { rootcertbundle, jwks, issuer = '', service = '', signingalgorithms: algorithms } = token
  const paths = [rootcertbundle, jwks].filter((path) => path !== undefined)
  const keys = await Reloaded.open({
    paths,
    parse: (contents) => {
      const [bundle, set] = rootcertbundle === undefined ? [undefined, ...contents] : contents
      return parseTrustedKeys(bundle, set)
    },
    onProblem: (error) =>
      log.error({ err: error }, `${paths.join(', ')}: changed keys of tokens are not taken up: the old stay`),
  }).catch((error: Error) => {
    throw new ConfigError('', 'auth.token', `${paths.join(', ')}: ${error.message}`)
  })
  return new TokenVerifier({ issuer, service, algorithms, keys, now })
}

const outsideChallenge = ({ realm, service = '', autoredirectpath }: TokenSettings) =>
  bearerChallenge({ realm: realm ?? autoredirectpath, service })

/** The built-in authorization service, and what accepts its tokens beside passwords. */
const openBuiltIn = async (
  config: Config,
  policy: Policy,
  accounts: PasswordAccounts,
  tools: AuthenticationTools,
): Promise<Pick<Authentication, 'authenticator' | 'tokens'>> => {
  const { TokenVerifier } = await import('../access/token.ts')
  const { createTokenService } = await import('./token-service.ts')
  const { htpasswd, token } = config.auth ?? {}
  const { service = OWN_NAME, issuer = OWN_NAME } = token ?? {}
  const names = { service, issuer, realm: htpasswd?.realm ?? service }
  const tokens = createTokenService({ ...tools, ...names, accounts, policy })
  const verifier = new TokenVerifier({ issuer, service, algorithms: [], keys: tokens.keys, now: tools.now })
  const realm = token?.realm ?? `${config.http.prefix ?? '/'}token`
  const challenge = bearerChallenge({ realm, service })
  return { authenticator: createAuthenticator({ accounts, verifier, challenge }), tokens }
}

/**
 * Opens what is configured.
 * @throws ConfigError for files that make no sense
 */
export const openAuthentication = async (
  config: Config,
  policy: Policy,
  tools: AuthenticationTools,
): Promise<Authentication> => {
  const { htpasswd, token } = config.auth ?? {}
  if (htpasswd !== undefined) {
    const { accounts, close } = await openAccounts(htpasswd.path, tools.log)
    if (isBuiltIn(config, policy))
      return { ...(await openBuiltIn(config, policy, accounts, tools)), accounts, close }
    const challenge = basicChallenge(htpasswd.realm)
    return { authenticator: createAuthenticator({ accounts, challenge }), tokens: undefined, accounts, close }
  }
  const authenticator =
    token === undefined
      ? openAuthenticator
      : createAuthenticator({
          verifier: await openVerifier(token, tools),
          challenge: outsideChallenge(token),
        })
  return { authenticator, tokens: undefined, accounts: undefined, close: async () => {} }
}
