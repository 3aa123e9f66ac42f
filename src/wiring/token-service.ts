/** `auth.token.entrepot` → the authorization service that is built in. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PasswordAccounts } from '../access/accounts.ts'
import type { Policy } from '../access/decide.ts'
import { TokenIssuer } from '../access/issuer.ts'
import { KeyRing } from '../access/key-ring.ts'
import { RefreshTokens } from '../access/refresh-tokens.ts'
import { pushedRepository, scopedRepository } from '../access/requested.ts'
import type { TokenVerifierOptions } from '../access/token.ts'
import type { TokenService } from '../http/tokens.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { RegistryError } from '../protocol/error.ts'
import type { Repositories } from '../repository.ts'
import { KEYS_PREFIX } from '../store/paths.ts'

/** What the service is built from. */
export interface TokenServiceOptions {
  readonly service: string
  readonly issuer: string
  /** For people, in the challenge of the service itself. */
  readonly realm: string
  readonly accounts: PasswordAccounts
  readonly policy: Policy
  readonly repositories: Repositories
  /** Folder of the store, where the keys are. */
  readonly root: string
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The service, and what its tokens are verified with. */
export interface BuiltInTokens {
  readonly service: TokenService
  readonly keys: TokenVerifierOptions['keys']
  /** Opens the keys; who asks before waits. To be called once the process is whom the store belongs to. */
  open(): Promise<void>
}

/** Builds the service; it answers once it is open. */
export const createTokenService = (options: TokenServiceOptions): BuiltInTokens => {
  let provide: (keys: KeyRing) => void
  const opened = new Promise<KeyRing>((resolve) => {
    provide = resolve
  })
  const issuer = opened.then((keys) => createIssuer(options, keys))
  return {
    keys: { current: async () => (await opened).current() },
    service: {
      issue: async (request, address) => (await issuer).issue(request, address),
      jwks: async () => (await opened).jwks(),
    },
    open: async () => provide(await openKeys(options)),
  }
}

/** A store that cannot be written must not stop pulls, which need tokens: then keys last as long as the process. */
const openKeys = async ({ root, log, now }: TokenServiceOptions): Promise<KeyRing> => {
  const onProblem = (error: Error): void =>
    log.error({ err: error }, 'no new key for tokens could be made: the old one goes on for a day')
  try {
    return await KeyRing.open({ folder: join(root, KEYS_PREFIX), onProblem, now })
  } catch (error) {
    log.error({ err: error }, 'the keys for tokens are not to be had: others are made, for this run alone')
    return KeyRing.open({ folder: await mkdtemp(join(tmpdir(), 'entrepot-keys-')), onProblem, now })
  }
}

const createIssuer = (options: TokenServiceOptions, keys: KeyRing): TokenIssuer => {
  const { service, accounts, repositories, metrics, now } = options
  return new TokenIssuer({
    ...options,
    keys,
    refreshTokens: new RefreshTokens({ accounts, secret: keys.secretFor('refresh tokens'), service, now }),
    resolve: async (name, action) => {
      try {
        return action === 'push'
          ? pushedRepository(await repositories.resolvePush(name, undefined, undefined))
          : scopedRepository(await repositories.resolve(name, undefined, undefined))
      } catch (error) {
        if (error instanceof RegistryError) return undefined
        throw error
      }
    },
    onRefused: (as) => metrics.loginsRefused.inc({ as }),
  })
}
