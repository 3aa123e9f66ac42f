/** `admin` and `http.debug` of the configuration → the debug listener's application: metrics, health and the admin API. */
import { join } from 'node:path'
import type { PasswordAccounts } from '../access/accounts.ts'
import type { Jobs } from '../admin/jobs.ts'
import { Status } from '../admin/status.ts'
import type { Config } from '../config/schema.ts'
import { createDoor } from '../http/admin/door.ts'
import { AdminLogin } from '../http/admin/login.ts'
import type { AdminHandlers } from '../http/admin/operations.ts'
import { createAdminApp } from '../http/admin.ts'
import type { ReadSource } from '../http/forwarded.ts'
import type { Health } from '../keep/health.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { ADMIN_TOKEN_KEY } from '../store/paths.ts'
import { createOperatorHandlers } from './operator.ts'
import type { createPull } from './pull.ts'
import { openSecretFile } from './secret-file.ts'
import type { Store } from './store.ts'
import type { OperatedUpstream } from './upstreams.ts'

/** What the admin API works on besides the store. */
export interface AdminTools {
  readonly version: string
  readonly pull: ReturnType<typeof createPull>
  readonly access: { readonly accounts: PasswordAccounts | undefined; readonly readSource: ReadSource }
  readonly upstreams: readonly OperatedUpstream[]
  readonly jobs: Jobs
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The name that the debug listener's address has; none where it is on all addresses. */
const hostsOf = (addr: string): string[] => {
  const host = addr.replace(/:\d+$/, '').toLowerCase()
  return host === '' ? [] : [host]
}

/** What does the work of each operation of `http/admin/operations`. */
const createHandlers = (store: Store, tools: AdminTools): AdminHandlers => {
  const upstreams = tools.upstreams.map(({ upstream }) => upstream)
  const status = new Status({ ...tools, upstreams, flights: tools.pull.flights, driver: store.driver })
  return {
    ...createOperatorHandlers(tools),
    status: () => status.report(),
  }
}

/** Builds the debug listener's application. */
export const createAdmin = ({ admin, http }: Config, store: Store, tools: AdminTools) => {
  const { access, health, log, metrics } = tools
  const { prometheus, addr } = http.debug
  let token = admin.token
  const login = new AdminLogin({
    token: () => token,
    accounts: access.accounts,
    users: admin.users,
    onRefused: (as) => metrics.loginsRefused.inc({ as }),
  })
  const door = createDoor({
    login,
    rules: { allowsInsecure: admin.insecure, ownHosts: hostsOf(addr) },
    readAddress: ({ req }) => access.readSource(req).address,
  })
  return {
    app: createAdminApp({
      ...tools,
      metricsPath: prometheus.enabled ? prometheus.path : undefined,
      health: () => health,
      setDown: (isDown) => health.setDown(isDown),
      door,
      handlers: createHandlers(store, tools),
    }),
    /** Opens the admin token. To be called once the process is whom the store belongs to. */
    async open(): Promise<void> {
      if (token !== undefined) return
      try {
        token = await openSecretFile(join(store.root, ADMIN_TOKEN_KEY))
      } catch (error) {
        log.warn({ err: error }, 'no token for admin calls: admin.token or admin.users lets them in')
      }
    },
  }
}
