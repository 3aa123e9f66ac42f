/**
 * How a finished file gets its final name, so that a power cut at any moment leaves the old content or the new: sync the
 * file, rename, sync the receiving folder, and the parent of every folder above it that may be new. Which folders are
 * known to be on the disk is remembered, so that all this is a sync of one folder in the ordinary case.
 */
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Memory } from '../../memory.ts'
import { codeOf } from './errno.ts'
import { syncGate } from './gate.ts'

/** Folders that are remembered as being on the disk. */
const MAX_SETTLED = 20_000

/** What file systems without syncs of folders say, and folders that may be written but not read. */
const UNSYNCABLE_FOLDER: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EBADF', 'EACCES'])

/** Brings the content of a file to the disk. */
const syncFile = (path: string): Promise<void> =>
  syncGate.run(async () => {
    const file = await open(path, 'r')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  })

/** Brings the entries of a folder to the disk, where its file system can do that. */
export const syncFolder = async (path: string): Promise<void> => {
  try {
    await syncFile(path)
  } catch (error) {
    if (!UNSYNCABLE_FOLDER.has(codeOf(error))) throw error
  }
}

/** How content gets to the disk. */
export interface Syncs {
  readonly file: (path: string) => Promise<void>
  readonly folder: (path: string) => Promise<void>
}

/** Gives names below one folder. */
export class Placer {
  readonly #root: string
  readonly #syncs: Syncs
  /** Folders whose own entry, and every one above it up to the root, was synced. */
  readonly #settled = new Memory<string, true>(MAX_SETTLED)

  /** @param root absolute path; what is above it is its owner's to keep, unless it is made here */
  constructor(root: string, syncs: Syncs = { file: syncFile, folder: syncFolder }) {
    this.#root = root
    this.#syncs = syncs
  }

  /** Renames a file, making the folders above its new name; what has that name is replaced. Not synced. */
  async place(from: string, to: string): Promise<void> {
    await this.#rename(from, to)
  }

  /** The same, durable when it resolves; the content of the file included. */
  async placeDurably(from: string, to: string): Promise<void> {
    await this.#syncs.file(from)
    const firstMade = await this.#rename(from, to)
    const folder = dirname(to)
    const unsettled = this.#unsettled(folder, firstMade)
    await this.#syncs.folder(folder)
    for (const each of unsettled) await this.#syncs.folder(dirname(each))
    for (const each of unsettled) this.#settled.set(each, true)
  }

  /** @returns the topmost folder that had to be made */
  async #rename(from: string, to: string): Promise<string | undefined> {
    const folder = dirname(to)
    const firstMade = await mkdir(folder, { recursive: true })
    try {
      await rename(from, to)
      return firstMade
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
    // A collector may have taken the empty folder between the two calls: once more is enough.
    const madeAgain = await mkdir(folder, { recursive: true })
    await rename(from, to)
    return madeAgain ?? firstMade
  }

  /**
   * The folders, from `folder` upwards, whose entry may not be on the disk: those that were made just now, and those
   * that another writer or another process may have made a moment ago.
   */
  #unsettled(folder: string, firstMade: string | undefined): string[] {
    const unsettled: string[] = []
    for (let each = folder; ; each = dirname(each)) {
      const isNew = firstMade !== undefined && each.length >= firstMade.length
      if (isNew) this.#settled.delete(each)
      else if (each.length <= this.#root.length || this.#settled.has(each)) return unsettled
      unsettled.push(each)
    }
  }
}
