/** `entrepot user add|remove|list|check`: the accounts of an htpasswd file. A running server takes changes up by itself. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { DEFAULT_COST, hashPassword, isPasswordOf, MAX_PASSWORD_BYTES } from '../access/bcrypt.ts'
import {
  accountNameProblem,
  bcryptCost,
  parseHtpasswd,
  removeAccount,
  setAccount,
} from '../access/htpasswd-file.ts'
import { loadConfig } from '../config/load.ts'
import { type AddCommand, CommandError } from './command.ts'
import { readPassword } from './read-password.ts'
import { editFile } from './write-file.ts'

/** Costs that may be asked for: below, guessing is cheap; above, every login is dear. */
const MIN_COST = 5
const MAX_COST = 16

interface FileOptions {
  readonly file?: string
  readonly config?: string
}

/** Adds `user`. */
export const addUser: AddCommand = (program) => {
  const user = program.command('user').description('the accounts that may log in (auth.htpasswd)')
  addFileOptions(user.command('add'))
    .argument('<account>', 'name')
    .option('--cost <cost>', 'cost of bcrypt: one more is twice the work for a guess', String(DEFAULT_COST))
    .description('add an account, or change its password; asked for, or the first line of the standard input')
    .action(add)
  addFileOptions(user.command('remove'))
    .argument('<account>', 'name')
    .description('remove an account')
    .action(remove)
  addFileOptions(user.command('list')).description('list the accounts').action(list)
  addFileOptions(user.command('check'))
    .argument('<account>', 'name')
    .description('say whether a password is the right one; fails if it is not')
    .action(check)
}

const addFileOptions = (command: Command): Command =>
  command
    .option('-f, --file <htpasswd>', 'the file of accounts; default: auth.htpasswd.path of the configuration')
    .option('-c, --config <config>', 'configuration file')

const add = async (account: string, options: FileOptions & { cost: string }): Promise<void> => {
  const problem = accountNameProblem(account)
  if (problem !== undefined) throw new CommandError(problem)
  const cost = Number(options.cost)
  if (!Number.isInteger(cost) || cost < MIN_COST || cost > MAX_COST)
    throw new CommandError(`--cost must be from ${MIN_COST} to ${MAX_COST}`)
  const path = pathOf(options)
  const password = await readPassword({ isNew: true })
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
    throw new CommandError(`a password may have ${MAX_PASSWORD_BYTES} bytes: bcrypt sees no more`)
  const line = await hashPassword(password, cost)
  await editFile(path, (text) => setAccount(text, account, line))
  process.stdout.write(`${account} may log in (${path})\n`)
}

const remove = async (account: string, options: FileOptions): Promise<void> => {
  const path = pathOf(options)
  await editFile(path, (text) => {
    const removed = removeAccount(text, account)
    if (removed === undefined) throw new CommandError(`there is no account ${account} in ${path}`)
    return removed
  })
  process.stdout.write(`${account} is removed (${path})\n`)
}

const list = async (options: FileOptions): Promise<void> => {
  const { hashByAccount, unusable } = await readAccounts(pathOf(options))
  for (const [account, line] of hashByAccount)
    process.stdout.write(`${account}\tbcrypt, cost ${bcryptCost(line)}\n`)
  for (const { account, kind } of unusable) process.stdout.write(`${account}\tcannot log in: ${kind}\n`)
}

const check = async (account: string, options: FileOptions): Promise<void> => {
  const { hashByAccount, unusable } = await readAccounts(pathOf(options))
  const kind = unusable.find((each) => each.account === account)?.kind
  if (kind !== undefined) throw new CommandError(`${account} cannot log in: its hash is ${kind}`)
  const line = hashByAccount.get(account)
  if (line === undefined) throw new CommandError(`there is no account ${account}`)
  if (!(await isPasswordOf(await readPassword({ isNew: false }), line)))
    throw new CommandError(`that is not the password of ${account}`)
  process.stdout.write(`that is the password of ${account}\n`)
}

const readAccounts = async (path: string) => {
  const text = await readFile(path, 'utf8')
  try {
    return parseHtpasswd(text)
  } catch (error) {
    throw new CommandError(`${path}: ${(error as Error).message}`)
  }
}

const pathOf = ({ file, config }: FileOptions): string => {
  const path = file ?? loadConfig({ file: config, env: process.env }).config.auth?.htpasswd?.path
  if (path === undefined)
    throw new CommandError('which file? say --file, or set auth.htpasswd.path in the configuration')
  return path
}
