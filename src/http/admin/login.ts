/**
 * Who makes an admin call: whoever has the admin token, or one of `admin.users` with the password of its account. Whatever
 * else `auth` and `access` allow counts for nothing here.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { PasswordAccounts } from '../../access/accounts.ts'
import type { RefusedLogin } from '../../access/authenticate.ts'
import { parseCredentials } from '../../access/credentials.ts'
import { formatChallenge } from '../../protocol/challenge.ts'
import { RegistryError } from '../../protocol/error.ts'

/** Who called, where it was the token. */
const TOKEN_NAME = 'token'

/** What logins are checked with. */
export interface LoginOptions {
  /** The admin token; `undefined` as long as there is none. */
  readonly token: () => string | undefined
  /** Accounts with passwords, where there are any. */
  readonly accounts: PasswordAccounts | undefined
  /** `admin.users`. */
  readonly users: readonly string[]
  /** Told of credentials that were of no use. */
  readonly onRefused: (as: RefusedLogin) => void
}

const CHALLENGE = formatChallenge('Basic', { realm: 'entrepot admin' })

const unauthorized = (message: string): RegistryError =>
  new RegistryError('UNAUTHORIZED', { message, headers: { 'WWW-Authenticate': CHALLENGE } })

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()

/** In a time that tells nothing of where two texts differ. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(hash(a), hash(b))

/** Checks logins of admins. */
export class AdminLogin {
  readonly #options: LoginOptions

  constructor(options: LoginOptions) {
    this.#options = options
  }

  /**
   * Who calls, by name.
   * @param address where the call comes from, for the limit on guessing
   * @throws RegistryError `UNAUTHORIZED`; `DENIED` for an account that is none of an admin; `TOOMANYREQUESTS`, `UNAVAILABLE`
   */
  async identify(authorization: string | undefined, address: string): Promise<string> {
    const credentials = parseCredentials(authorization)
    switch (credentials.kind) {
      case 'bearer':
        return this.#requireToken(credentials.token)
      case 'basic':
        return this.#requireAccount(credentials.account, credentials.password, address)
      default:
        throw unauthorized(
          'an admin call needs the admin token (admin.token, or entrepot/admin-token in the store) or an account of admin.users',
        )
    }
  }

  #requireToken(sent: string): string {
    const token = this.#options.token()
    if (token !== undefined && isSame(token, sent)) return TOKEN_NAME
    this.#options.onRefused('token')
    throw unauthorized('wrong admin token')
  }

  async #requireAccount(account: string, password: string, address: string): Promise<string> {
    const { accounts, users, onRefused } = this.#options
    const answer = await accounts?.check(account, password, address)
    if (answer?.kind === 'later') {
      onRefused('unchecked')
      throw answer.error
    }
    if (answer?.kind !== 'right') {
      onRefused('password')
      throw unauthorized('wrong password or unknown account')
    }
    if (users.includes(account)) return account
    throw new RegistryError('DENIED', { message: `${account} is no admin: admin.users does not list it` })
  }
}
