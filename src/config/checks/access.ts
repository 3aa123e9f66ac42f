/** Who may do what, against who can be known. */
import type { Config } from '../schema.ts'
import type { Check } from './check.ts'

const hasAccounts = ({ auth }: Config): boolean => auth?.htpasswd !== undefined || auth?.token !== undefined

const AUTH = 'auth.htpasswd or auth.token beside it'

/** Words of `who` that need no account. */
const OPEN_TO_ALL = new Set(['anyone', 'anonymous'])

/** Rules say one thing each, of people that can be known. */
export const checkAccess: Check = (config, { fail }) => {
  const { access } = config
  for (const [index, rule] of (access?.rules ?? []).entries()) {
    const path = ['access', 'rules', index]
    if ((rule.may === undefined) === (rule.maynot === undefined))
      fail(path, 'is no rule', 'one of may, maynot')
    for (const who of rule.who) {
      if (!OPEN_TO_ALL.has(who) && !hasAccounts(config)) fail([...path, 'who'], `${who} needs accounts`, AUTH)
      const group = who.startsWith('group:') ? who.slice('group:'.length) : undefined
      if (group !== undefined && !Object.hasOwn(access?.groups ?? {}, group))
        fail([...path, 'who'], `there is no group ${group}`, 'a key of access.groups')
    }
  }
}

/** What is for accounts has accounts. */
export const checkAccounts: Check = (config, { fail }) => {
  if (config.local.push === 'accounts' && !hasAccounts(config))
    fail(['local', 'push'], 'needs accounts', AUTH)
  if (config.admin.users.length > 0 && config.auth?.htpasswd === undefined)
    fail(['admin', 'users'], 'needs accounts with passwords', 'auth.htpasswd beside it')
}
