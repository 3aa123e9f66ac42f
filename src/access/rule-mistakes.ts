/** What is wrong with `access` rules, found at the start rather than by the person who is refused. Pure. */
import { isRepositoryName } from '../protocol/name.ts'
import { type Groups, groupOf, type Rule, type RulesOptions } from './rules.ts'

/** A mistake: where it is, below `access`, and what it is. */
export interface RuleMistake {
  /** `rules[2].who`, `groups.ops`. */
  readonly key: string
  readonly problem: string
}

/** Words of `who` that mean more than one account. */
const ROLES = ['anyone', 'anonymous', 'accounts']

/** Characters of globs that stand for others. */
const WILDCARD = /[*?{}[\],]/

/** Everything that is wrong, in the order of the file. */
export const ruleMistakes = ({ rules = [], groups, hasAuth }: RulesOptions): RuleMistake[] => [
  ...Object.entries(groups).flatMap(([name, accounts]) => groupMistakes(name, accounts)),
  ...(rules ?? []).flatMap((rule, index) =>
    [...shapeMistakes(rule), ...whoMistakes(rule, groups, hasAuth), ...globMistakes(rule)].map(
      ({ key, problem }) => ({ key: `rules[${index}]${key}`, problem }),
    ),
  ),
]

const groupMistakes = (name: string, accounts: readonly string[]): RuleMistake[] =>
  accounts
    .filter((account) => ROLES.includes(account) || groupOf(account) !== undefined)
    .map((account) => ({ key: `groups.${name}`, problem: `a group holds accounts, not ${account}` }))

const shapeMistakes = ({ who, may, maynot, content }: Rule): RuleMistake[] => {
  const problems = []
  if ((may === undefined) === (maynot === undefined))
    problems.push({ key: '', problem: 'a rule has either `may` or `maynot`' })
  for (const [key, list] of Object.entries({ who, may, maynot, content }))
    if (list?.length === 0) problems.push({ key: `.${key}`, problem: 'an empty list fits nothing' })
  return problems
}

const whoMistakes = ({ who }: Rule, groups: Groups, hasAuth: boolean): RuleMistake[] =>
  who.flatMap((each) => {
    const group = groupOf(each)
    if (group !== undefined && !Object.hasOwn(groups, group))
      return [{ key: '.who', problem: `there is no group ${group}` }]
    if (!hasAuth && each !== 'anyone' && each !== 'anonymous')
      return [
        {
          key: '.who',
          problem: `${each}: there are no accounts without \`auth\`; set auth.htpasswd or auth.token`,
        },
      ]
    return []
  })

const globMistakes = ({ repositories }: Rule): RuleMistake[] => {
  if (repositories.length === 0) return [{ key: '.repositories', problem: 'an empty list fits nothing' }]
  return repositories
    .filter((glob) => !canFitName(glob))
    .map((glob) => ({
      key: '.repositories',
      problem: `${glob} fits no repository: names are lower-case letters, digits and . _ - between slashes`,
    }))
}

/** Whether a glob can fit a name at all: without wildcards it is one, with them its characters are those of names. */
const canFitName = (glob: string): boolean =>
  WILDCARD.test(glob)
    ? /^[a-z0-9._/*?{}[\],!^-]+$/.test(glob) && !glob.startsWith('/')
    : isRepositoryName(glob)
