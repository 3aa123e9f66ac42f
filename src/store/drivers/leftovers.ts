/** What removals and killed writers leave in a folder: folders with nothing in them, and files in the making. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, isAbsent } from './errno.ts'

/** @returns whether there is no such folder any more */
const removeIfEmpty = async (folder: string): Promise<boolean> => {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    if (isAbsent(error)) return true
    if (['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(codeOf(error))) return false
    throw error
  }
}

/** @returns whether the folder is gone; a file in it, or one that comes meanwhile, keeps it */
const pruneBelow = async (folder: string): Promise<boolean> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  for (const entry of entries) if (entry.isDirectory()) await pruneBelow(join(folder, entry.name))
  return removeIfEmpty(folder)
}

/** Removes the empty folders at and below `root/prefix`, and those above it, up to `root`, that held no more than it. */
export const pruneFolders = async (root: string, prefix: string): Promise<void> => {
  if (!(await pruneBelow(join(root, prefix)))) return
  for (let above = dirname(prefix); above !== '.'; above = dirname(above))
    if (!(await removeIfEmpty(join(root, above)))) return
}

/** Removes what lies in a folder and nobody has touched since `beforeMs`, in milliseconds since the epoch. */
export const sweepFolder = async (folder: string, beforeMs: number): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  for (const name of names) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Math.max(found.mtimeMs, found.ctimeMs) < beforeMs)
      await rm(path, { recursive: true, force: true })
  }
}
