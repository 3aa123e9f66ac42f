/** Secrets that the store keeps: made once, for the eyes of the store's owner alone. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

const SECRET_BYTES = 32

/** Makes the file unless there is one; of two processes that do so at once the first wins. */
const makeFile = async (file: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(temporary, `${randomBytes(SECRET_BYTES).toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * The secret in a file, in hexadecimal digits; a file that is missing is made.
 * @throws the operating system's error; Error where the file does not hold a secret
 */
export const openSecretFile = async (file: string): Promise<string> => {
  await makeFile(file)
  const secret = (await readFile(file, 'utf8')).trim()
  if (secret.length < SECRET_BYTES) throw new Error(`${file} is damaged: remove it, and a new one is made`)
  return secret
}
