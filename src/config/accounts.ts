/** What `auth` and `local.push` come to, for all who need to know. */
import type { Config } from './schema.ts'
import { upstreamsOf } from './upstreams.ts'

/** Whether there is anybody to log in as. */
export const hasAccounts = ({ auth }: Pick<Config, 'auth'>): boolean =>
  auth?.htpasswd !== undefined || auth?.token !== undefined

/** Who may push: what `local.push` says, else accounts where there are any; else anybody, unless it is a mirror. */
export const localPushOf = (config: Config): 'anyone' | 'accounts' | 'off' => {
  if (config.local.push !== undefined) return config.local.push
  if (hasAccounts(config)) return 'accounts'
  return upstreamsOf(config).length > 0 ? 'off' : 'anyone'
}
