/**
 * The accounts of an htpasswd file (distribution's `auth.htpasswd`; protocol.md §5.7): bcrypt only, read again within
 * a second of a change, made with one account where it is missing.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DEFAULT_COST, hashPassword } from './bcrypt.ts'
import { bcryptCost, type HtpasswdContent, parseHtpasswd, type UnusableLine } from './htpasswd-file.ts'
import type { PasswordPool } from './password-pool.ts'
import { Reloaded } from './reload.ts'

/** Random bytes of a password that entrepot makes up. */
const PASSWORD_BYTES = 24

/** The account of a file that entrepot makes: distribution's. */
const FIRST_ACCOUNT = 'docker'

/** Where the accounts are, and who is told of what is wrong with them. */
export interface HtpasswdOptions {
  readonly path: string
  readonly pool: PasswordPool
  /** Told of the lines that nobody can log in with, at first and after each change. */
  readonly onUnusable: (lines: readonly UnusableLine[]) => void
  /** Told of a changed file that is not taken up; the accounts stay as they were. */
  readonly onProblem: (error: Error) => void
  readonly now?: () => number
}

/** What a reading of the file gave. */
interface Loaded extends HtpasswdContent {
  /** Tells one reading from the next. */
  readonly version: number
  /** Checked for accounts that are not there, so that they take as long as the others. */
  readonly dummyHash: string
}

/** A hash that has been looked up; `verify` does the same work whether there is such an account or not. */
export interface AccountHash {
  /** The account's line as it is now; `undefined` where there is none, or none of bcrypt. */
  readonly hash: string | undefined
  /** Changes with every change of the file. */
  readonly version: number
  verify(password: string): Promise<boolean>
}

/** The accounts in an htpasswd file. */
export class Htpasswd {
  readonly #pool: PasswordPool
  readonly #file: Reloaded<Loaded>

  private constructor(pool: PasswordPool, file: Reloaded<Loaded>) {
    this.#pool = pool
    this.#file = file
  }

  /** Reads the file. @throws where it cannot be read, or has a line that is none of `account:hash` */
  static async open({ path, pool, onUnusable, onProblem, now }: HtpasswdOptions): Promise<Htpasswd> {
    let version = 0
    const parse = ([text = '']: readonly string[]): Loaded => {
      const content = readContent(path, text)
      if (content.unusable.length > 0) onUnusable(content.unusable)
      version++
      return { ...content, version, dummyHash: dummyHash([...content.hashByAccount.values()]) }
    }
    const file = await Reloaded.open({ paths: [path], parse, onProblem, ...(now ? { now } : {}) })
    return new Htpasswd(pool, file)
  }

  /** Looks an account up. */
  async account(name: string): Promise<AccountHash> {
    const { hashByAccount, version, dummyHash } = await this.#file.current()
    const found = hashByAccount.get(name)
    const verify = async (password: string): Promise<boolean> => {
      const matches = await this.#pool.verify(password, found ?? dummyHash)
      return matches && found !== undefined
    }
    return { hash: found, version, verify }
  }
}

const readContent = (path: string, text: string): HtpasswdContent => {
  try {
    return parseHtpasswd(text)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** A hash that no password has, of the cost that most of `hashes` have. */
const dummyHash = (hashes: readonly string[]): string => {
  const countByCost = new Map<number, number>()
  for (const each of hashes) {
    const cost = bcryptCost(each) ?? DEFAULT_COST
    countByCost.set(cost, (countByCost.get(cost) ?? 0) + 1)
  }
  const [[cost] = [DEFAULT_COST]] = [...countByCost].sort((a, b) => b[1] - a[1] || b[0] - a[0])
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`
}

/**
 * Makes the file with one account where it is missing, mode 0600, as distribution does since 2.7.
 * @returns the account and its password, to be told once; `undefined` where the file was there
 */
export const provisionHtpasswd = async (
  path: string,
): Promise<{ readonly account: string; readonly password: string } | undefined> => {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url')
  const line = `${FIRST_ACCOUNT}:${await hashPassword(password)}\n`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await writeFile(path, line, { mode: 0o600, flag: 'wx' })
    return { account: FIRST_ACCOUNT, password }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}
