/** `admin` and `http.debug` of the configuration → the debug listener's application: metrics, health and the admin API. */
import { join } from 'node:path'
import type { PasswordAccounts } from '../access/accounts.ts'
import type { Config } from '../config/schema.ts'
import { createDoor } from '../http/admin/door.ts'
import { AdminLogin } from '../http/admin/login.ts'
import { createAdminApp } from '../http/admin.ts'
import type { ReadSource } from '../http/forwarded.ts'
import type { Health } from '../keep/health.ts'
import { ADMIN_TOKEN_KEY } from '../store/paths.ts'
import { createHandlers, type HandlerTools } from './admin-handlers.ts'
import { readPage } from './page.ts'
import { openSecretFile } from './secret-file.ts'
import type { Store } from './store.ts'

/** What the admin API works on besides the store. */
export interface AdminTools extends HandlerTools {
  readonly access: { readonly accounts: PasswordAccounts | undefined; readonly readSource: ReadSource }
  readonly health: Health
}

/** The name that the debug listener's address has; none where it is on all addresses. */
const hostsOf = (addr: string): string[] => {
  const host = addr.replace(/:\d+$/, '').toLowerCase()
  return host === '' ? [] : [host]
}

/** Builds the debug listener's application. */
export const createAdmin = (config: Config, store: Store, tools: AdminTools) => {
  const { access, health, log, metrics } = tools
  const { admin, http } = config
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
      handlers: createHandlers(config, store, tools),
      page: readPage(),
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
