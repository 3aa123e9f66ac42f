/**
 * The storage driver for a folder. Content is written to a file of another name and gets its own by one rename
 * ({@link Placer}); it goes by one rename, too.
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { mkdir, readdir, rename, rm, statfs, unlink, writeFile } from 'node:fs/promises'
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
import { readWhole } from '../read-whole.ts'
import { type MakeRoom, withRoom } from '../room.ts'
import { codeOf, isAbsent, toStorageError, trying } from './errno.ts'
import { pruneFolders, sweepFolder } from './leftovers.ts'
import { Placer, syncFolder } from './placer.ts'

/** Most bytes of a key that `read` takes into memory: links and manifests, never a layer. */
const MAX_READ_BYTES = 8 * 1024 * 1024

// The errors of `node:fs/promises` have a stack, which takes as long as the call: most of what is looked for is not there.
const stat = promisify(fs.stat)
const openFd = promisify(fs.open)
const closeFd = promisify(fs.close)
const readFd = promisify(fs.read)

class FilesystemFile implements StoredFile {
  readonly sizeBytes: number
  readonly #fd: number
  #isOpen = true

  constructor(fd: number, sizeBytes: number) {
    this.#fd = fd
    this.sizeBytes = sizeBytes
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    // Its number may be another file's by now.
    if (!this.#isOpen) throw new StorageError('io', 'read after close')
    try {
      return (await readFd(this.#fd, buffer, 0, length, position)).bytesRead
    } catch (error) {
      throw toStorageError(error, 'reading')
    }
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await closeFd(this.#fd).catch(() => {})
  }
}

/** Content in a folder, at its keys as paths. */
export class FilesystemDriver implements StorageDriver {
  readonly #root: string
  /** Two processes on one volume may well have the same number, each in its container. */
  readonly #id = randomBytes(6).toString('hex')
  readonly #placer: Placer
  readonly #makeRoom: MakeRoom | undefined
  #serial = 0

  /**
   * @param root absolute path of the folder; it is made when something is written
   * @param makeRoom asked once for every write that finds the disk full
   */
  constructor(root: string, makeRoom?: MakeRoom) {
    this.#root = root
    this.#placer = new Placer(root)
    this.#makeRoom = makeRoom
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
        // At once: what was just opened is known to the kernel, and a way through the thread pool takes longer than that.
        const found = fs.fstatSync(fd)
        if (found.isFile()) return new FilesystemFile(fd, found.size)
      } catch (error) {
        await closeFd(fd)
        throw error
      }
      await closeFd(fd)
      return undefined
    })
  }

  async read(key: string): Promise<Buffer | undefined> {
    const file = await this.open(key)
    if (file === undefined) return undefined
    try {
      if (file.sizeBytes > MAX_READ_BYTES)
        throw new StorageError('io', `${key} is larger than anything small`)
      return await readWhole(file)
    } finally {
      await file.close()
    }
  }

  async write(key: string, bytes: Uint8Array | string): Promise<void> {
    await withRoom(this.#makeRoom, bytes.length, () => this.#replace(key, bytes, true))
  }

  async writeLazily(key: string, bytes: Uint8Array | string): Promise<void> {
    await this.#replace(key, bytes, false)
  }

  async adopt(file: string, key: string): Promise<void> {
    await withRoom(this.#makeRoom, 0, () =>
      trying(`storing ${key}`, () => this.#placer.placeDurably(file, this.#path(key))),
    )
  }

  async list(prefix: string, after = '', limit = Number.POSITIVE_INFINITY): Promise<string[]> {
    const names = await this.#absentOr(`listing ${prefix}`, () => readdir(this.#path(prefix)))
    const later = (names ?? []).filter((name) => name > after).sort()
    return later.length > limit ? later.slice(0, limit) : later
  }

  async namesChangedAtMs(prefix: string): Promise<number | undefined> {
    return this.#absentOr(`looking at ${prefix}`, async () => (await stat(this.#path(prefix))).mtimeMs)
  }

  async remove(key: string): Promise<void> {
    await this.#absentOr(`removing ${key}`, async () => {
      await this.#vanish(this.#path(key))
      await syncFolder(dirname(this.#path(key)))
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
      await this.#placer.place(this.#path(from), this.#path(to))
      return true
    })
    return moved ?? false
  }

  async prune(prefix: string): Promise<void> {
    await trying(`removing empty folders of ${prefix}`, () => pruneFolders(this.#root, prefix))
  }

  async sweep(beforeMs: number): Promise<void> {
    await trying('removing temporary files', () => sweepFolder(this.#path(TEMPORARY_FOLDER), beforeMs))
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
    try {
      await mkdir(dirname(temporary), { recursive: true })
      await rename(path, temporary)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw error
      // A full disk may have no room for the other name, and what is removed is to make room.
      return rm(path, { recursive: true, force: true })
    }
    await rm(temporary, { recursive: true, force: true })
  }

  async #replace(key: string, bytes: Uint8Array | string, isDurable: boolean): Promise<void> {
    const temporary = this.#nameTemporary()
    await trying(`writing ${key}`, async () => {
      try {
        await this.#writeTemporary(temporary, bytes)
        if (isDurable) await this.#placer.placeDurably(temporary, this.#path(key))
        else await this.#placer.place(temporary, this.#path(key))
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {})
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

  async #absentOr<T>(doing: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw toStorageError(error, doing)
    }
  }
}
