/** Who may do what, against who can be known. */
import { isRepositoryName } from '../../protocol/name.ts'
import { hasAccounts } from '../accounts.ts'
import type { Check } from './check.ts'

const AUTH = 'auth.htpasswd or auth.token beside it'

/** Words of `who` that need no account. */
const OPEN_TO_ALL = new Set(['anyone', 'anonymous'])

/** Characters of a glob that stand for others. */
const WILDCARD = /[*?{}[\]]/

/** Whether a glob can fit a name at all: without wildcards it is one, with them its characters are those of names. */
const canFitName = (glob: string): boolean =>
  WILDCARD.test(glob) ? /^[a-z0-9._*?{}[\],^-][a-z0-9._/*?{}[\],!^-]*$/.test(glob) : isRepositoryName(glob)

/** Rules fit something: a list without an entry, or a glob that is no name, is a mistake of typing. */
export const checkAccessFits: Check = ({ access }, { fail }) => {
  for (const [index, rule] of (access?.rules ?? []).entries()) {
    const { who, may, maynot, repositories, content } = rule
    for (const [key, list] of Object.entries({ who, may, maynot, repositories, content }))
      if (list?.length === 0) fail(['access', 'rules', index, key], 'is empty, and so fits nothing')
    for (const glob of repositories)
      if (!canFitName(glob))
        fail(
          ['access', 'rules', index, 'repositories'],
          `${JSON.stringify(glob)} fits no repository`,
          'lower-case letters, digits and . _ - between slashes, and * ** ? {a,b}',
        )
  }
}

/** Groups hold accounts and nothing else. */
export const checkGroups: Check = ({ access }, { fail }) => {
  for (const [name, accounts] of Object.entries(access?.groups ?? {}))
    for (const account of accounts)
      if (OPEN_TO_ALL.has(account) || account === 'accounts' || account.startsWith('group:'))
        fail(['access', 'groups', name], `${account} is no account`, 'names of accounts')
}

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

/** The form of `name:tag`, `name:glob` and `name@digest`; what is sound of them is found out when they are asked for. */
const IMAGE = /^[a-z0-9][a-z0-9._/-]*(:[^\s:@/]+)?(@[a-z0-9]+:[0-9a-f]+)?$/

/** Lines of the warm list are images. */
export const checkWarm: Check = ({ warm }, { fail }) => {
  for (const [index, line] of warm.references.entries())
    if (!IMAGE.test(line))
      fail(
        ['warm', 'references', index],
        `${JSON.stringify(line)} is no image`,
        'name:tag, name:glob, name@digest',
      )
}

/** What is for accounts has accounts. */
export const checkAccounts: Check = (config, { fail }) => {
  if (config.local.push === 'accounts' && !hasAccounts(config))
    fail(['local', 'push'], 'needs accounts', AUTH)
  if (config.admin.users.length > 0 && config.auth?.htpasswd === undefined)
    fail(['admin', 'users'], 'needs accounts with passwords', 'auth.htpasswd beside it')
}
