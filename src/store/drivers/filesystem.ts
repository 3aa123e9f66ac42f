/**
 * The storage driver for a folder. Durable in this order: write, sync the file, rename, sync the receiving folder and
 * the parent of every folder newly made. Few syncs run at once ({@link syncGate}).
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, stat, statfs, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import {
  type StorageDriver,
  StorageError,
  type StoredFile,
  type StoredStat,
  type StoreUsage,
} from '../driver.ts'
import { TEMPORARY_FOLDER } from '../paths.ts'
import { syncGate } from './gate.ts'

/** Most bytes of a key that `read` takes into memory: links and manifests, never a layer. */
const MAX_READ_BYTES = 8 * 1024 * 1024

const openFd = promisify(fs.open)
const closeFd = promisify(fs.close)
const statFd = promisify(fs.fstat)
const readFd = promisify(fs.read)

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? ''
const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error))

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

/** An operating-system error in the store's own words. */
export const toStorageError = (error: unknown, doing: string): StorageError => {
  if (error instanceof StorageError) return error
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StorageError('full', `no space left while ${doing}`, { cause: error })
  if (code === 'EROFS')
    return new StorageError('readonly', `read-only file system while ${doing}`, { cause: error })
  return new StorageError('io', `${code || 'failure'} while ${doing}`, { cause: error })
}

class FilesystemFile implements StoredFile {
  readonly sizeBytes: number
  readonly #fd: number
  #isOpen = true

  constructor(fd: number, sizeBytes: number) {
    this.#fd = fd
    this.sizeBytes = sizeBytes
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    const { bytesRead } = await readFd(this.#fd, buffer, 0, length, position)
    return bytesRead
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await closeFd(this.#fd)
  }
}

/** Content in a folder, at its keys as paths. */
export class FilesystemDriver implements StorageDriver {
  readonly #root: string
  /** Two processes on one volume may well have the same number, each in its container. */
  readonly #id = randomBytes(6).toString('hex')
  #serial = 0

  /** @param root absolute path of the folder; it is made when something is written */
  constructor(root: string) {
    this.#root = root
  }

  async stat(key: string): Promise<StoredStat | undefined> {
    return this.#absentOr(`looking at ${key}`, async () => {
      const found = await stat(this.#path(key))
      if (!found.isFile()) return undefined
      return { sizeBytes: found.size, modifiedAtMs: found.mtimeMs, changedAtMs: found.ctimeMs }
    })
  }

  async open(key: string): Promise<StoredFile | undefined> {
    return this.#absentOr(`opening ${key}`, async () => {
      const fd = await openFd(this.#path(key), 'r')
      try {
        return new FilesystemFile(fd, (await statFd(fd)).size)
      } catch (error) {
        await closeFd(fd)
        throw error
      }
    })
  }

  async read(key: string): Promise<Buffer | undefined> {
    const file = await this.open(key)
    if (file === undefined) return undefined
    try {
      if (file.sizeBytes > MAX_READ_BYTES)
        throw new StorageError('io', `${key} is larger than anything small`)
      const bytes = Buffer.allocUnsafe(file.sizeBytes)
      const length = await file.read(bytes, 0, bytes.length)
      return bytes.subarray(0, length)
    } finally {
      await file.close()
    }
  }

  async write(key: string, bytes: Uint8Array | string): Promise<void> {
    await this.#replace(key, bytes, true)
  }

  async writeLazily(key: string, bytes: Uint8Array | string): Promise<void> {
    await this.#replace(key, bytes, false)
  }

  async adopt(file: string, key: string): Promise<void> {
    await this.#trying(`storing ${key}`, async () => {
      if ((await this.stat(key))?.sizeBytes === (await stat(file)).size) return rm(file, { force: true })
      await this.#sync(file)
      await this.#place(file, this.#path(key), true)
    })
  }

  async list(prefix: string, after = '', limit = Number.POSITIVE_INFINITY): Promise<string[]> {
    const names = await this.#absentOr(`listing ${prefix}`, () => readdir(this.#path(prefix)))
    const later = (names ?? []).filter((name) => name > after).sort()
    return later.length > limit ? later.slice(0, limit) : later
  }

  async remove(key: string): Promise<void> {
    await this.#absentOr(`removing ${key}`, async () => {
      await this.#vanish(this.#path(key))
      await this.#sync(dirname(this.#path(key)))
    })
  }

  async removeLazily(key: string): Promise<void> {
    await this.#absentOr(`removing ${key}`, () => this.#vanish(this.#path(key)))
  }

  async move(from: string, to: string): Promise<boolean> {
    const moved = await this.#absentOr(`moving ${from}`, async () => {
      await stat(this.#path(from))
      await this.#vanish(this.#path(to)).catch((error: unknown) => {
        if (!isAbsent(error)) throw error
      })
      await this.#place(this.#path(from), this.#path(to), false)
      return true
    })
    return moved ?? false
  }

  async prune(prefix: string): Promise<void> {
    await this.#trying(`removing empty folders of ${prefix}`, async () => {
      if (!(await this.#pruneBelow(this.#path(prefix)))) return
      for (let above = dirname(prefix); above !== '.'; above = dirname(above))
        if (!(await removeIfEmpty(this.#path(above)))) return
    })
  }

  async sweep(beforeMs: number): Promise<void> {
    for (const name of await this.list(TEMPORARY_FOLDER)) {
      const path = join(this.#root, TEMPORARY_FOLDER, name)
      const found = await this.#absentOr('looking at a temporary file', () => stat(path))
      if (found !== undefined && Math.max(found.mtimeMs, found.ctimeMs) < beforeMs)
        await this.#trying('removing a temporary file', () => rm(path, { recursive: true, force: true }))
    }
  }

  async usage(): Promise<StoreUsage | undefined> {
    return this.#absentOr('asking for free space', async () => {
      const { bsize, blocks, bavail } = await statfs(this.#root)
      return { totalBytes: bsize * blocks, freeBytes: bsize * bavail }
    })
  }

  #path(key: string): string {
    return join(this.#root, key)
  }

  /** @returns whether the folder is gone; a file in it, or one that comes meanwhile, keeps it */
  async #pruneBelow(folder: string): Promise<boolean> {
    const entries = await this.#absentOr('looking for empty folders', () =>
      readdir(folder, { withFileTypes: true }),
    )
    for (const entry of entries ?? [])
      if (entry.isDirectory()) await this.#pruneBelow(join(folder, entry.name))
    return removeIfEmpty(folder)
  }

  #nameTemporary(): string {
    this.#serial += 1
    return join(this.#root, TEMPORARY_FOLDER, `${this.#id}-${this.#serial}`)
  }

  /** Takes a file, or a folder with all it holds, away in one step: nobody ever sees half of it. */
  async #vanish(path: string): Promise<void> {
    try {
      return await unlink(path)
    } catch (error) {
      if (codeOf(error) !== 'EISDIR' && codeOf(error) !== 'EPERM') throw error
    }
    const temporary = this.#nameTemporary()
    await mkdir(dirname(temporary), { recursive: true })
    await rename(path, temporary)
    await rm(temporary, { recursive: true, force: true })
  }

  async #replace(key: string, bytes: Uint8Array | string, isDurable: boolean): Promise<void> {
    const temporary = this.#nameTemporary()
    await this.#trying(`writing ${key}`, async () => {
      try {
        await this.#writeTemporary(temporary, bytes)
        if (isDurable) await this.#sync(temporary)
        await this.#place(temporary, this.#path(key), isDurable)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    })
  }

  async #writeTemporary(path: string, bytes: Uint8Array | string): Promise<void> {
    try {
      await writeFile(path, bytes, { flag: 'wx' })
    } catch (error) {
      if (!isAbsent(error)) throw error
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes, { flag: 'wx' })
    }
  }

  /** Renames a finished file to its final name, making the folders above it. */
  async #place(from: string, to: string, isDurable: boolean): Promise<void> {
    const folder = dirname(to)
    let firstMade = await mkdir(folder, { recursive: true })
    try {
      await rename(from, to)
    } catch (error) {
      // A collector may have taken the empty folder between the two calls: once more is enough.
      if (codeOf(error) !== 'ENOENT') throw error
      firstMade = await mkdir(folder, { recursive: true })
      await rename(from, to)
    }
    if (!isDurable) return
    await this.#sync(folder)
    if (firstMade === undefined) return
    for (let made = folder; made.length >= firstMade.length; made = dirname(made))
      await this.#sync(dirname(made))
  }

  async #sync(path: string): Promise<void> {
    await syncGate.run(async () => {
      const handle = await open(path, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }

  async #absentOr<T>(doing: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw toStorageError(error, doing)
    }
  }

  async #trying<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw toStorageError(error, doing)
    }
  }
}
