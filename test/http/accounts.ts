/** Accounts for tests. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashPassword } from '../../src/access/bcrypt.ts'
import { basic } from './login.ts'

const PASSWORDS = { alice: 'correct horse', bob: 'battery staple' } as const

/** Cost of a hash that a test need not wait for. */
const QUICK_COST = 4

/** `Authorization` headers. */
export const ALICE = basic('alice', PASSWORDS.alice)
export const BOB = basic('bob', PASSWORDS.bob)
/** What dockerd brings to its mirror when its user is logged in to Docker Hub. */
export const STRANGER = basic('someone', 'the password of another registry')

/** Writes the file of alice and bob into `folder`, and returns its path. */
export const writeAccounts = async (folder: string): Promise<string> => {
  const path = join(folder, 'htpasswd')
  const lines = Object.entries(PASSWORDS).map(
    async ([account, password]) => `${account}:${await hashPassword(password, QUICK_COST)}\n`,
  )
  await writeFile(path, (await Promise.all(lines)).join(''))
  return path
}
