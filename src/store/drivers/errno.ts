/** What the operating system says of files, in the store's own words. */
import { StorageError } from '../driver.ts'

/** The code of an operating-system error, `''` for anything else. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? ''

/** Whether it says that there is no such content. */
export const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error))

/** What a disk says of bytes that it has lost, and a file system of ones whose checksum is wrong. */
const DAMAGED: ReadonlySet<string> = new Set(['EIO', 'EBADMSG', 'EUCLEAN', 'EILSEQ'])

/** An operating-system error as a StorageError; `doing` says what failed. */
export const toStorageError = (error: unknown, doing: string): StorageError => {
  if (error instanceof StorageError) return error
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StorageError('full', `no space left while ${doing}`, { cause: error })
  if (code === 'EROFS')
    return new StorageError('readonly', `read-only file system while ${doing}`, { cause: error })
  if (DAMAGED.has(code)) return new StorageError('damaged', `${code} while ${doing}`, { cause: error })
  return new StorageError('io', `${code || 'failure'} while ${doing}`, { cause: error })
}

/** Does `work`. @throws StorageError for whatever that throws */
export const trying = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw toStorageError(error, doing)
  }
}
