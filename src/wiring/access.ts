/** `auth` and `access` of the configuration → who is let in. */
import { access as accessFile, constants } from 'node:fs/promises'
import { Authorizer } from '../access/authorize.ts'
import type { Policy } from '../access/decide.ts'
import { PublicRepositories } from '../access/public.ts'
import { createRequestRepository } from '../access/requested.ts'
import { Rules } from '../access/rules.ts'
import { hasAccounts, localPushOf } from '../config/accounts.ts'
import type { Config } from '../config/schema.ts'
import { createReadSource } from '../http/forwarded.ts'
import { createGuard } from '../http/guard.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Repositories, UpstreamEntry } from '../repository.ts'
import { openAuthentication } from './authentication.ts'
import type { Store } from './store.ts'

/** What access is decided with besides the configuration. */
export interface AccessTools {
  readonly store: Store
  readonly repositories: Repositories
  readonly upstreams: readonly UpstreamEntry[]
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const policyOf = (config: Config): Policy => {
  const hasAuth = hasAccounts(config)
  const { rules, groups = {} } = config.access ?? {}
  return { rules: new Rules({ rules, groups, hasAuth }), hasAuth, localPush: localPushOf(config) }
}

/** Files that are read again when they change: whoever the process is by now should be able to. */
const filesOf = ({ auth, http: { tls } }: Config): string[] =>
  [
    auth?.htpasswd?.path,
    auth?.token?.rootcertbundle,
    auth?.token?.jwks,
    tls?.certificate,
    tls?.key,
    ...(tls?.clientcas ?? []),
  ].filter((path) => path !== undefined)

const warnUnreadable = async (config: Config, log: Logger): Promise<void> => {
  const uid = process.getuid?.()
  for (const path of filesOf(config))
    await accessFile(path, constants.R_OK).catch(() =>
      log.warn(
        `${path} is not taken up when it changes, since it was read as root and user ${uid} may not; to change that: chown ${uid} ${path}`,
      ),
    )
}

const tellOpenness = ({ upstreams, log }: AccessTools): void => {
  const names = upstreams
    .filter(({ upstream }) => upstream.hasCredentials)
    .map(({ upstream }) => upstream.name)
  if (names.length > 0)
    log.info(
      `whoever reaches this registry may pull what its account at ${names.join(', ')} may, since auth is not set`,
    )
}

/**
 * Opens what decides who is let in.
 * @throws ConfigError for files that make no sense
 */
export const openAccess = async (config: Config, tools: AccessTools) => {
  const { store, repositories, metrics, log, now } = tools
  const policy = policyOf(config)
  const { authenticator, tokens, accounts, close } = await openAuthentication(config, policy, {
    repositories,
    root: store.root,
    metrics,
    log,
    now,
  })
  const publicRepositories = new PublicRepositories({
    store: store.driver,
    now,
    onProblem: (message, cause) => log.warn({ err: cause }, message),
  })
  const authorizer = new Authorizer({
    authenticator,
    policy,
    onRefused: (as) => metrics.loginsRefused.inc({ as }),
  })
  if (!policy.hasAuth) tellOpenness(tools)
  return {
    ...createGuard({
      repositories,
      authorizer,
      requestRepository: createRequestRepository(publicRepositories),
      countChanges: () => store.marks.changes,
    }),
    tokens: tokens?.service,
    /** Accounts with passwords, where there are any. */
    accounts,
    readSource: createReadSource({
      host: config.http.host,
      trustedProxies: config.trustedproxies,
      assumesTls: config.auth?.token?.autoredirect ?? false,
    }),
    /** Opens own keys. To be called once the process is whom the store belongs to. */
    open: async (): Promise<void> => {
      await tokens?.open()
      await warnUnreadable(config, log)
    },
    close,
  }
}
