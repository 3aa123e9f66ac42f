/**
 * The folder of partial files: `<algorithm>-<hex>.<owner>`. A file whose owner is gone is taken over by the next fetch of
 * that digest, by one rename; a living owner's is never touched. Those that nobody fetches again are swept when old.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../protocol/digest.ts'
import { isAbsent, trying } from '../store/drivers/errno.ts'
import { type FileOpener, GrowingFile } from '../store/growing-file.ts'
import type { Owner, OwnerState } from '../store/owner.ts'
import { formatFileDigest, parseFileDigest } from '../store/paths.ts'
import { certainlySyncedBytes } from '../store/slabs.ts'
import { Partial } from './partial.ts'

/** Age after which a partial of a dead owner, or one of our own that nobody resumed, is swept, in milliseconds. */
const SWEEP_AFTER_MS = 24 * 60 * 60 * 1000

/** How long what is left is believed to be so much, in milliseconds. */
const MEASURED_FOR_MS = 1000

/** How long what was seen in the folder is believed to be all that is there, in milliseconds. */
const SEEN_FOR_MS = 5000

interface Leftover {
  readonly name: string
  /** How much of it can be believed: after a reboot only what had certainly been synced. */
  readonly trustedBytes: number
}

const trustedBytes = (sizeBytes: number, state: OwnerState): number =>
  state === 'rebooted' ? certainlySyncedBytes(sizeBytes) : sizeBytes

const prefixOf = (digest: Digest): string => `${formatFileDigest(digest)}.`

const ownerOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/** Partial files of this process, and those it may inherit. */
export class Partials {
  readonly #folder: string
  readonly #owner: Pick<Owner, 'id' | 'stateOf'>
  readonly #opener: FileOpener | undefined
  /** What was there when the folder was read last. */
  #seen: { readonly atMs: number; readonly names: readonly string[] } | undefined
  #left: { readonly atMs: number; readonly bytes: Promise<number> } | undefined

  /**
   * @param folder absolute path, on the store's own file system; it is made when needed
   * @param opener how files are opened; tests give one whose disk is full or fails
   */
  constructor(folder: string, owner: Pick<Owner, 'id' | 'stateOf'>, opener?: FileOpener) {
    this.#folder = folder
    this.#owner = owner
    this.#opener = opener
  }

  /** Whether nothing was left of a digest a moment ago by anybody else, as far as is known without looking. */
  isNew(digest: Digest): boolean {
    const { atMs = Number.NEGATIVE_INFINITY, names = [] } = this.#seen ?? {}
    const prefix = prefixOf(digest)
    return performance.now() - atMs < SEEN_FOR_MS && !names.some((name) => name.startsWith(prefix))
  }

  /**
   * A new partial of a digest of which nothing is left, as {@link isNew} says. It costs nothing before it is written.
   * @param admit asked before its file is opened; what it throws is thrown by what wanted to write
   */
  begin(digest: Digest, admit: () => Promise<void>): Partial {
    const path = this.#pathOf(digest)
    return new Partial(path, async () => {
      await admit()
      return this.#openFile(path, 0)
    })
  }

  /**
   * Opens the partial of a digest: what a dead process left of it, or a new one.
   * @throws StorageError
   */
  async open(digest: Digest): Promise<Partial> {
    const path = this.#pathOf(digest)
    const keepBytes = await trying('taking over a partial file', () => this.#takeOver(digest, path))
    const partial = new Partial(path, () => this.#openFile(path, keepBytes))
    await partial.open()
    return partial
  }

  #pathOf(digest: Digest): string {
    return join(this.#folder, this.#nameOf(digest))
  }

  /** The folder is there, but for the first time. @throws StorageError */
  async #openFile(path: string, keepBytes: number): Promise<GrowingFile> {
    const open = (): Promise<GrowingFile> => GrowingFile.open(path, keepBytes, this.#opener)
    try {
      return await open()
    } catch (error) {
      if (!isAbsent((error as Error).cause)) throw error
      await trying('making the folder of partial files', () => mkdir(this.#folder, { recursive: true }))
      return open()
    }
  }

  /** Removes a partial file that is of no use to anybody. Never rejects: what cannot be removed now is swept later. */
  async discard(partial: Partial): Promise<void> {
    if (partial.hasFile) await rm(partial.path, { force: true }).catch(() => {})
  }

  /** Bytes of the partial files that nobody here is writing, as they were a second ago at most. */
  async measureLeft(isFetched: (digest: Digest) => boolean): Promise<number> {
    const nowMs = performance.now()
    // Every fetch asks, and every one that is being stored is looked at: of thousands, that is more than all else.
    if (this.#left === undefined || nowMs - this.#left.atMs >= MEASURED_FOR_MS)
      this.#left = { atMs: nowMs, bytes: this.#measureLeft(isFetched) }
    return this.#left.bytes
  }

  async #measureLeft(isFetched: (digest: Digest) => boolean): Promise<number> {
    let bytes = 0
    for (const name of await this.#names())
      if (!this.#isWritten(name, isFetched)) bytes += await this.#sizeOf(name)
    return bytes
  }

  /** Removes them, unless another living process owns them: room is wanted. @returns how many bytes that frees */
  async dropLeft(isFetched: (digest: Digest) => boolean): Promise<number> {
    let bytes = 0
    this.#left = undefined
    for (const name of await this.#names()) {
      const sizeBytes = await this.#sizeOf(name)
      if ((await this.#stateOf(ownerOf(name))) === 'alive' || this.#isWritten(name, isFetched)) continue
      await rm(join(this.#folder, name), { force: true })
      bytes += sizeBytes
    }
    this.#left = undefined
    return bytes
  }

  /** Removes partial files that nobody has written for long and no other living process owns. @returns how many */
  async sweep(nowMs: number): Promise<number> {
    let swept = 0
    for (const name of await this.#names()) {
      const path = join(this.#folder, name)
      const found = await stat(path).catch(() => undefined)
      if (found === undefined || nowMs - found.mtimeMs < SWEEP_AFTER_MS) continue
      if ((await this.#stateOf(ownerOf(name))) === 'alive') continue
      await rm(path, { force: true })
      swept += 1
    }
    return swept
  }

  #nameOf(digest: Digest): string {
    return `${formatFileDigest(digest)}.${this.#owner.id}`
  }

  #isWritten(name: string, isFetched: (digest: Digest) => boolean): boolean {
    const digest = parseFileDigest(name.slice(0, name.lastIndexOf('.')))
    return digest !== undefined && name === this.#nameOf(digest) && isFetched(digest)
  }

  async #sizeOf(name: string): Promise<number> {
    return (await stat(join(this.#folder, name)).catch(() => undefined))?.size ?? 0
  }

  /** Gives the best leftover of a digest our name. @returns how many bytes of it are of use; 0 where there is none */
  async #takeOver(digest: Digest, path: string): Promise<number> {
    const leftover = await this.#findLeftover(digest)
    if (leftover === undefined) return 0
    try {
      await rename(join(this.#folder, leftover.name), path)
      return leftover.trustedBytes
    } catch (error) {
      // Another process was quicker.
      if (isAbsent(error)) return 0
      throw error
    }
  }

  async #findLeftover(digest: Digest): Promise<Leftover | undefined> {
    const prefix = prefixOf(digest)
    const leftovers: Leftover[] = []
    for (const name of await this.#names()) {
      if (!name.startsWith(prefix)) continue
      const state = await this.#stateOf(name.slice(prefix.length))
      const found = await stat(join(this.#folder, name)).catch(() => undefined)
      if (found !== undefined && state !== 'alive')
        leftovers.push({ name, trustedBytes: trustedBytes(found.size, state) })
    }
    return leftovers.sort((a, b) => b.trustedBytes - a.trustedBytes)[0]
  }

  /** A file of our own that is not being written was left by a fetch that ended: there is one fetch of a digest. */
  async #stateOf(owner: string): Promise<OwnerState> {
    return owner === this.#owner.id ? 'gone' : this.#owner.stateOf(owner)
  }

  async #names(): Promise<string[]> {
    const atMs = performance.now()
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (isAbsent(error)) return []
      throw error
    })
    this.#seen = { atMs, names }
    return names
  }
}
