/** What signs the locations of uploads: `http.secret`, or a key of the store, so that uploads outlive a restart. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../observe/log.ts'
import { KEYS_PREFIX } from '../store/paths.ts'

const SECRET_BYTES = 32
const FILE = 'uploads.key'

/** Makes the file unless there is one; of two processes that do so at once the first wins. */
const makeFile = async (folder: string, file: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(temporary, randomBytes(SECRET_BYTES).toString('hex'), { flag: 'wx', mode: 0o600 })
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

const openSecret = async (root: string, log: Logger): Promise<string> => {
  const folder = join(root, KEYS_PREFIX)
  const file = join(folder, FILE)
  try {
    await makeFile(folder, file)
    const secret = (await readFile(file, 'utf8')).trim()
    if (secret.length >= SECRET_BYTES) return secret
    log.warn(`${file} is damaged: remove it, and a new one is made`)
  } catch (error) {
    log.debug({ err: error }, 'no key for uploads in the store: one is made for this run')
  }
  return randomBytes(SECRET_BYTES).toString('hex')
}

/**
 * The secret of this registry, opened when it is first needed: by then the process is whom the store belongs to.
 * @param configured `http.secret`
 * @param root folder of the store; where it cannot be written the secret lasts as long as the process
 */
export const uploadSecret = (
  configured: string | undefined,
  root: string,
  log: Logger,
): (() => Promise<string>) => {
  let secret = configured === undefined || configured === '' ? undefined : Promise.resolve(configured)
  return () => {
    secret ??= openSecret(root, log)
    return secret
  }
}
