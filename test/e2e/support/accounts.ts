/** An account of entrepot, for the tests that log in. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { run } from './run.ts'
import type { Workspace } from './workspace.ts'

/** Who may log in. */
export const ALICE = { username: 'alice', password: 'Correct-Horse-9' } as const

/** Writes the file of accounts by Apache's own `htpasswd`, and returns its path. */
export const writeHtpasswd = async (workspace: Workspace): Promise<string> => {
  const folder = await workspace.folder('auth')
  const path = join(folder, 'htpasswd')
  const args = ['-Bbn', ALICE.username, ALICE.password]
  await writeFile(path, `${await run('htpasswd', args, { env: cleanEnvironment(folder) })}\n`)
  return path
}
