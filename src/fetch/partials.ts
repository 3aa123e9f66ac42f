/**
 * The folder of partial files: `<algorithm>-<hex>.<owner>`. A file whose owner is gone is taken over by the next fetch of
 * that digest, by one rename; a living owner's is never touched. Those that nobody fetches again are swept when old.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../protocol/digest.ts'
import { toStorageError } from '../store/drivers/filesystem.ts'
import type { Owner, OwnerState } from '../store/owner.ts'
import { formatFileDigest } from '../store/paths.ts'
import { SYNC_EVERY_BYTES } from '../store/slabs.ts'
import { Partial } from './partial.ts'

/** Age after which a partial of a dead owner is swept, in milliseconds. */
const SWEEP_AFTER_MS = 24 * 60 * 60 * 1000

interface Leftover {
  readonly name: string
  readonly sizeBytes: number
  readonly state: OwnerState
}

/** How much of a leftover can be believed: after a reboot only what had certainly been synced. */
const trustedBytes = ({ sizeBytes, state }: Leftover): number =>
  state === 'rebooted'
    ? Math.max(0, Math.floor(sizeBytes / SYNC_EVERY_BYTES) - 1) * SYNC_EVERY_BYTES
    : sizeBytes

/** Partial files of this process, and those it may inherit. */
export class Partials {
  readonly #folder: string
  readonly #owner: Owner

  /** @param folder absolute path, on the store's own file system; it is made when needed */
  constructor(folder: string, owner: Owner) {
    this.#folder = folder
    this.#owner = owner
  }

  /**
   * Opens the partial of a digest: what a dead process left of it, or a new one.
   * @throws StorageError
   */
  async open(digest: Digest): Promise<Partial> {
    const path = join(this.#folder, `${formatFileDigest(digest)}.${this.#owner.id}`)
    try {
      const leftover = await this.#findLeftover(digest)
      if (leftover === undefined) {
        await mkdir(this.#folder, { recursive: true })
        return await Partial.open(path, 0)
      }
      await rename(join(this.#folder, leftover.name), path)
      return await Partial.open(path, trustedBytes(leftover))
    } catch (error) {
      throw toStorageError(error, 'opening a partial file')
    }
  }

  /** Removes a partial file that is of no use to anybody. */
  async discard(partial: Partial): Promise<void> {
    await rm(partial.path, { force: true })
  }

  /** Removes partial files that dead owners left long ago. @returns how many */
  async sweep(nowMs: number): Promise<number> {
    let swept = 0
    for (const name of await this.#names()) {
      const path = join(this.#folder, name)
      const found = await stat(path).catch(() => undefined)
      if (found === undefined || nowMs - found.mtimeMs < SWEEP_AFTER_MS) continue
      if ((await this.#owner.stateOf(name.slice(name.lastIndexOf('.') + 1))) === 'alive') continue
      await rm(path, { force: true })
      swept += 1
    }
    return swept
  }

  async #findLeftover(digest: Digest): Promise<Leftover | undefined> {
    const prefix = `${formatFileDigest(digest)}.`
    const leftovers: Leftover[] = []
    for (const name of await this.#names()) {
      if (!name.startsWith(prefix)) continue
      const owner = name.slice(prefix.length)
      const state = owner === this.#owner.id ? 'gone' : await this.#owner.stateOf(owner)
      const found = await stat(join(this.#folder, name)).catch(() => undefined)
      if (found !== undefined && state !== 'alive') leftovers.push({ name, sizeBytes: found.size, state })
    }
    return leftovers.sort((a, b) => trustedBytes(b) - trustedBytes(a))[0]
  }

  async #names(): Promise<string[]> {
    return readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
  }
}
