/** `entrepot access explain USER ACTION REPOSITORY`: what the `access` rules say, and which of them decides. */
import { readFileSync } from 'node:fs'
import picomatch from 'picomatch'
import { explain } from '../access/explain.ts'
import { parseHtpasswd } from '../access/htpasswd-file.ts'
import { type Action, type Content, Rules } from '../access/rules.ts'
import { hasAccounts, localPushOf } from '../config/accounts.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { upstreamsOf } from '../config/upstreams.ts'
import { isRepositoryName } from '../protocol/name.ts'
import { type AddCommand, CommandError } from './command.ts'

const ACTIONS: readonly string[] = ['pull', 'push', 'delete'] satisfies Action[]

/** Adds `access`. */
export const addAccess: AddCommand = (program) => {
  program
    .command('access')
    .description('who may do what')
    .command('explain')
    .argument('<user>', 'an account, or anonymous')
    .argument('<action>', ACTIONS.join(', '))
    .argument('<repository>', 'name as it is stored: team/app, library/alpine, ghcr.io/org/app')
    .option('-c, --config <config>', 'configuration file')
    .description('say whether somebody may do something, and by which rule')
    .action((user: string, action: string, repository: string, options: { config?: string }) => {
      if (!ACTIONS.includes(action)) throw new CommandError(`${action} is none of ${ACTIONS.join(', ')}`)
      if (!isRepositoryName(repository)) throw new CommandError(`${repository} is no name of a repository`)
      const { config } = loadConfig({ file: options.config, env: process.env })
      const account = user === 'anonymous' ? '' : user
      for (const line of explainAccess(config, account, action as Action, repository))
        process.stdout.write(`${line}\n`)
    })
}

/** A sentence for each kind of content that the repository may have here, and what else stands in the way. */
const explainAccess = (config: Config, account: string, action: Action, repository: string): string[] => {
  const hasAuth = hasAccounts(config)
  const given = config.access?.rules
  const rules = new Rules({ rules: given, groups: config.access?.groups ?? {}, hasAuth })
  const sentences = contentsOf(config, repository, action).map((content) => {
    const question = { account, action, repository, content }
    return explain({ question, answer: rules.ask(question), rules: given, hasAuth })
  })
  return [...sentences, ...remarks(config, account, action, hasAuth)]
}

/** What a repository may be here: which of them it is in the end, the upstream and earlier pushes tell. */
const contentsOf = (config: Config, repository: string, action: Action): Content[] => {
  // What is pushed is local from then on, and so is what the rules are asked of the first time.
  if (action === 'push') return ['local']
  const isListed = config.local.repositories.length > 0 && picomatch(config.local.repositories)(repository)
  const upstreams = upstreamsOf(config)
  if (isListed || upstreams.length === 0) return ['local']
  const hasAccount = upstreams.some(({ username }) => username !== undefined)
  return hasAccount ? ['mirrored', 'private', 'local'] : ['mirrored', 'local']
}

const remarks = (config: Config, account: string, action: Action, hasAuth: boolean): string[] => {
  const lines: string[] = []
  const path = config.auth?.htpasswd?.path
  if (account !== '' && path !== undefined && !isKnown(path, account))
    lines.push(`note: ${account} is no account that could log in (${path})`)
  if (account !== '' && !hasAuth)
    lines.push('note: without auth nobody can log in, so everybody is anonymous')
  const push = localPushOf(config)
  if (action === 'push' && push === 'off') lines.push('note: local.push is off, so nobody may push anything')
  if (action === 'push' && push === 'accounts' && account === '')
    lines.push('note: local.push is accounts, so anonymous may not push anything')
  return lines
}

const isKnown = (path: string, account: string): boolean => {
  try {
    return parseHtpasswd(readFileSync(path, 'utf8')).hashByAccount.has(account)
  } catch {
    // A file that cannot be read here may well be readable to the server.
    return true
  }
}
