/** Files that commands write: new ones that replace nothing by mistake, and edited ones that are never seen half written. */
import { randomBytes } from 'node:crypto'
import { chmod, chown, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { CommandError } from './command.ts'

/** Mode of a file that others may read. */
export const PUBLIC_MODE = 0o644
/** Mode of a key or a password file. */
export const PRIVATE_MODE = 0o600

/**
 * Writes a new file.
 * @throws CommandError where there is one of that name, unless it may be replaced
 */
export const writeNewFile = async (
  path: string,
  text: string,
  { mode, replaces = false }: { readonly mode: number; readonly replaces?: boolean | undefined },
): Promise<void> => {
  try {
    await writeFile(path, text, { mode, flag: replaces ? 'w' : 'wx' })
    if (replaces) await chmod(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CommandError(`${path} is there already; --force replaces it`)
    throw error
  }
}

/**
 * Changes a text file in one step: whoever reads it sees the old text or the new. Mode and owner stay; a symbolic link
 * stays one. A file that is not there is empty, and made readable by its owner alone.
 */
export const editFile = async (path: string, edit: (text: string) => string): Promise<void> => {
  const before = await stat(path).catch(ifMissing)
  if (before === undefined) return writeNewFile(path, edit(''), { mode: PRIVATE_MODE })
  const target = await realpath(path)
  const text = edit(await readFile(target, 'utf8'))
  const temporary = `${target}.${randomBytes(6).toString('hex')}`
  try {
    await writeSynced(temporary, text)
    await chmod(temporary, before.mode & 0o7777)
    await chown(temporary, before.uid, before.gid).catch(ifForbidden)
    await rename(temporary, target)
  } catch (error) {
    // A file that is mounted by itself (a container's volume) cannot be replaced, only written.
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    await writeFile(target, text)
  } finally {
    await rm(temporary, { force: true })
  }
}

const writeSynced = async (path: string, text: string): Promise<void> => {
  const handle = await open(path, 'wx', PRIVATE_MODE)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const ifMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
}

/** Who may not give files away keeps what he writes. */
const ifForbidden = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPERM') throw error
}
