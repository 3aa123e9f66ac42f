/** bcrypt for the command line and the first account: what a server checks all day runs in `password-pool`. */
import { compare, hash } from 'bcryptjs'

/** Cost of the hashes that entrepot makes: distribution's. */
export const DEFAULT_COST = 10

/** Most bytes of a password that bcrypt sees. */
export const MAX_PASSWORD_BYTES = 72

/** The line of a password: `$2b$…`. */
export const hashPassword = (password: string, cost: number = DEFAULT_COST): Promise<string> =>
  hash(password, cost)

/** Whether a password is that of a hash. */
export const isPasswordOf = (password: string, line: string): Promise<boolean> => compare(password, line)
