/**
 * The folder of unfinished pushes, local files whatever the driver is, so that they outlive a restart:
 *
 *     <id>/info            whose it is and since when, as JSON
 *         /data            the bytes so far, while nobody writes them
 *         /data.<owner>    … while that process does
 *
 * The life of an upload: *created*; *taken* by a process, appended to and given back, any number of times; and at last
 * *taken* and handed to the store, or *dropped*. Taking is one rename, so two processes never write one file, and what
 * a dead process had taken is simply taken again.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RepositoryName } from '../protocol/name.ts'
import { toStorageError } from './drivers/errno.ts'
import { GrowingFile } from './growing-file.ts'
import type { Owner } from './owner.ts'

const INFO = 'info'
const DATA = 'data'

/** What is known of an upload from its beginning. */
export interface UploadInfo {
  /** Stored name of the repository that it is for. */
  readonly name: RepositoryName
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number
}

/** An upload as it lies there. */
export interface StoredUpload extends UploadInfo {
  readonly id: string
  readonly sizeBytes: number
  /** When bytes last came, in milliseconds since the epoch. */
  readonly modifiedAtMs: number
  /** Whether a living process writes to it. */
  readonly isTaken: boolean
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether `text` may be the id of an upload: a UUID, and so a safe name of a folder. */
export const isUploadId = (text: string): boolean => ID.test(text)

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'

const isInfo = (value: unknown): value is UploadInfo => {
  const { name, startedAtMs } = (value ?? {}) as Record<string, unknown>
  return typeof name === 'string' && typeof startedAtMs === 'number'
}

/** The unfinished pushes on this volume. */
export class UploadStore {
  readonly #folder: string
  readonly #owner: Pick<Owner, 'id' | 'stateOf'>

  /** @param folder absolute path, on the store's own file system; it is made when needed */
  constructor(folder: string, owner: Pick<Owner, 'id' | 'stateOf'>) {
    this.#folder = folder
    this.#owner = owner
  }

  /** Begins an upload of no bytes. @throws StorageError */
  async create(id: string, info: UploadInfo): Promise<void> {
    await this.#trying('beginning an upload', async () => {
      await mkdir(join(this.#folder, id), { recursive: true })
      await writeFile(join(this.#folder, id, INFO), JSON.stringify(info))
      await writeFile(join(this.#folder, id, DATA), '')
    })
  }

  /** An upload as it lies there, or `undefined`. */
  async find(id: string): Promise<StoredUpload | undefined> {
    return this.#trying('looking at an upload', async () => {
      const info = await this.#readInfo(id)
      const data = await this.#findData(id)
      if (info === undefined || data === undefined) return undefined
      const { size, mtimeMs } = await stat(join(this.#folder, id, data))
      const isTaken = await this.#isTaken(data)
      return { ...info, id, sizeBytes: size, modifiedAtMs: mtimeMs, isTaken }
    }).catch((error: unknown) => {
      // Taken, given back or dropped between two looks.
      if (isAbsent((error as Error).cause)) return undefined
      throw error
    })
  }

  /**
   * Takes an upload for writing; the caller gives the file back with {@link giveBack}, hands it to the store, or drops it.
   * @returns `'taken'` where another living process writes to it, `undefined` where there is no such upload
   * @throws StorageError
   */
  async take(id: string): Promise<GrowingFile | 'taken' | undefined> {
    const ours = join(this.#folder, id, `${DATA}.${this.#owner.id}`)
    if (!(await this.#rename(join(this.#folder, id, DATA), ours))) {
      const data = await this.#findData(id)
      if (data === undefined) return undefined
      if (await this.#isTaken(data)) return 'taken'
      if (!(await this.#rename(join(this.#folder, id, data), ours))) return 'taken'
    }
    return GrowingFile.reopen(ours)
  }

  /** Ends the writing for now. That the upload was dropped meanwhile is no error. @throws StorageError */
  async giveBack(id: string, file: GrowingFile): Promise<void> {
    await file.close()
    await this.#rename(file.path, join(this.#folder, id, DATA))
  }

  /** Removes what there is of an upload. @throws StorageError */
  async drop(id: string): Promise<void> {
    await this.#trying('removing an upload', () =>
      rm(join(this.#folder, id), { recursive: true, force: true }),
    )
  }

  /** The ids of all uploads. */
  async list(): Promise<string[]> {
    return this.#trying('listing uploads', async () => {
      const names = await readdir(this.#folder).catch((error: unknown) => {
        if (isAbsent(error)) return []
        throw error
      })
      return names.filter(isUploadId)
    })
  }

  /**
   * Uploads that nobody writes and to which no bytes came since `beforeMs` (milliseconds since the epoch); `name` is
   * `undefined` for one that was never wholly begun.
   */
  async listStale(beforeMs: number): Promise<{ id: string; name: RepositoryName | undefined }[]> {
    const stale: { id: string; name: RepositoryName | undefined }[] = []
    for (const id of await this.list()) {
      const found = await this.find(id)
      const modifiedAtMs = found?.modifiedAtMs ?? (await this.#folderModifiedAtMs(id))
      if (found?.isTaken !== true && modifiedAtMs < beforeMs) stale.push({ id, name: found?.name })
    }
    return stale
  }

  async #folderModifiedAtMs(id: string): Promise<number> {
    const found = await stat(join(this.#folder, id)).catch(() => undefined)
    return found?.mtimeMs ?? Number.POSITIVE_INFINITY
  }

  async #readInfo(id: string): Promise<UploadInfo | undefined> {
    try {
      const info: unknown = JSON.parse(await readFile(join(this.#folder, id, INFO), 'utf8'))
      return isInfo(info) ? info : undefined
    } catch (error) {
      if (isAbsent(error) || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  async #findData(id: string): Promise<string | undefined> {
    const names = await readdir(join(this.#folder, id)).catch((error: unknown) => {
      if (isAbsent(error)) return []
      throw toStorageError(error, 'looking at an upload')
    })
    return names.find((name) => name === DATA || name.startsWith(`${DATA}.`))
  }

  /** Whether a file belongs to a process that is alive; one of our own that we do not remember was left by a failure. */
  async #isTaken(data: string): Promise<boolean> {
    const owner = data.slice(DATA.length + 1)
    return owner !== '' && owner !== this.#owner.id && (await this.#owner.stateOf(owner)) === 'alive'
  }

  async #rename(from: string, to: string): Promise<boolean> {
    try {
      await rename(from, to)
      return true
    } catch (error) {
      if (isAbsent(error)) return false
      throw toStorageError(error, 'taking an upload')
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
