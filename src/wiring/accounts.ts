/** `auth.htpasswd` of the configuration → accounts with passwords. */
import { HtpasswdAccounts, type PasswordAccounts } from '../access/accounts.ts'
import { GuessLimiter } from '../access/guessing.ts'
import { Htpasswd, provisionHtpasswd } from '../access/htpasswd.ts'
import type { UnusableLine } from '../access/htpasswd-file.ts'
import { PasswordPool } from '../access/password-pool.ts'
import { ConfigError } from '../config/error.ts'
import type { Logger } from '../observe/log.ts'

/** Accounts in use. */
export interface OpenAccounts {
  readonly accounts: PasswordAccounts
  close(): Promise<void>
}

/**
 * Opens the file; one that is missing is made, with one account whose password is told this once, as distribution does.
 * @throws ConfigError for a file that cannot be read or made, or makes no sense
 */
export const openAccounts = async (path: string, log: Logger): Promise<OpenAccounts> => {
  const pool = new PasswordPool()
  const onUnusable = (lines: readonly UnusableLine[]): void => {
    for (const { account, kind } of lines)
      log.warn(
        `${path}: ${account} cannot log in: its line holds ${kind}, and only bcrypt counts (htpasswd -B)`,
      )
  }
  const onProblem = (error: Error): void =>
    log.error({ err: error }, `${path} has changed and is not taken up: the accounts stay as they were`)
  try {
    const made = await provisionHtpasswd(path)
    if (made !== undefined)
      log.warn(`${path} was missing and has been made: account ${made.account}, password ${made.password}`)
    const htpasswd = await Htpasswd.open({ path, pool, onUnusable, onProblem })
    const accounts = new HtpasswdAccounts(htpasswd, new GuessLimiter())
    return { accounts, close: () => pool.close() }
  } catch (error) {
    throw new ConfigError('', 'auth.htpasswd.path', (error as Error).message)
  }
}
