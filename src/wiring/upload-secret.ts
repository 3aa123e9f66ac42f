/** What signs the locations of uploads: `http.secret`, or a key of the store, so that uploads outlive a restart. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '../observe/log.ts'
import { KEYS_PREFIX } from '../store/paths.ts'
import { openSecretFile } from './secret-file.ts'

const SECRET_BYTES = 32
const FILE = 'uploads.key'

const openSecret = async (root: string, log: Logger): Promise<string> => {
  try {
    return await openSecretFile(join(root, KEYS_PREFIX, FILE))
  } catch (error) {
    const isDamaged = (error as NodeJS.ErrnoException).code === undefined
    log[isDamaged ? 'warn' : 'debug'](
      { err: error },
      'no key for uploads in the store: one is made for this run',
    )
    return randomBytes(SECRET_BYTES).toString('hex')
  }
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
