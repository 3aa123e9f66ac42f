/**
 * A storage driver without a disk, which passes the contract of the real ones, and goes wrong as it is told:
 *
 *     const driver = new MemoryDriver()
 *     driver.fail('write', 'full')
 *     driver.pause = (operation, key) => …      // awaited before an operation gives its outcome
 */
import { readFile, unlink } from 'node:fs/promises'
import {
  type StorageDriver,
  StorageError,
  type StorageErrorKind,
  type StoredFile,
  type StoredStat,
  type StoreUsage,
} from '../../src/store/driver.ts'

/** What a driver can be asked. */
export type Operation = keyof StorageDriver

interface Entry {
  readonly bytes: Buffer
  readonly modifiedAtMs: number
}

const TOTAL_BYTES = 1_000_000_000

class MemoryFile implements StoredFile {
  readonly #bytes: Buffer
  #isOpen = true

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    if (!this.#isOpen) throw new StorageError('io', 'read after close')
    return this.#bytes.copy(buffer, 0, position, position + length)
  }

  async close(): Promise<void> {
    this.#isOpen = false
  }
}

/** See the top of this file. */
export class MemoryDriver implements StorageDriver {
  /** Awaited after an operation was done, and before its outcome is given. */
  pause: (operation: Operation, key: string) => Promise<void> = async () => {}
  /** Operations so far, in order: `read a/b`. */
  readonly calls: string[] = []
  /** The time, in milliseconds since the epoch. */
  nowMs = 1_000_000_000
  readonly #entries = new Map<string, Entry>()
  readonly #changedAtMs = new Map<string, number>()
  readonly #failing = new Map<Operation, StorageErrorKind>()

  /** Lets an operation fail from now on; `undefined`: succeed again. */
  fail(operation: Operation, kind: StorageErrorKind | undefined): void {
    if (kind === undefined) this.#failing.delete(operation)
    else this.#failing.set(operation, kind)
  }

  /** Puts bytes under a key as another process would. */
  put(key: string, bytes: Uint8Array | string): void {
    for (const folder of foldersOf(key)) {
      if (this.#entries.has(folder)) throw new StorageError('io', `${folder} is no folder`)
      if (!this.#isFolder(folder)) this.#note(folder)
    }
    if (this.#isFolder(key)) throw new StorageError('io', `${key} is a folder`)
    if (!this.#entries.has(key)) this.#note(key)
    this.#entries.set(key, { bytes: Buffer.from(bytes), modifiedAtMs: this.nowMs })
  }

  stat(key: string): Promise<StoredStat | undefined> {
    return this.#do('stat', key, () => {
      const entry = this.#entries.get(key)
      return (
        entry && {
          sizeBytes: entry.bytes.length,
          modifiedAtMs: entry.modifiedAtMs,
          changedAtMs: entry.modifiedAtMs,
        }
      )
    })
  }

  open(key: string): Promise<StoredFile | undefined> {
    return this.#do('open', key, () => {
      const entry = this.#entries.get(key)
      return entry && new MemoryFile(entry.bytes)
    })
  }

  read(key: string): Promise<Buffer | undefined> {
    return this.#do('read', key, () => this.#entries.get(key)?.bytes)
  }

  write(key: string, bytes: Uint8Array | string): Promise<void> {
    return this.#do('write', key, () => this.put(key, bytes))
  }

  writeLazily(key: string, bytes: Uint8Array | string): Promise<void> {
    return this.#do('writeLazily', key, () => this.put(key, bytes))
  }

  adopt(file: string, key: string): Promise<void> {
    return this.#do('adopt', key, async () => {
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw new StorageError('io', 'no such file', { cause })
      })
      this.put(key, bytes)
      await unlink(file)
    })
  }

  list(prefix: string, after = '', limit = Number.POSITIVE_INFINITY): Promise<string[]> {
    return this.#do('list', prefix, () => {
      const below = prefix === '' ? '' : `${prefix}/`
      const names = [...this.#entries.keys()]
        .filter((key) => key.startsWith(below))
        .map((key) => key.slice(below.length).split('/')[0]!)
      return [...new Set(names)]
        .filter((name) => name > after)
        .sort()
        .slice(0, limit)
    })
  }

  namesChangedAtMs(prefix: string): Promise<number | undefined> {
    return this.#do('namesChangedAtMs', prefix, () =>
      this.#isFolder(prefix) ? this.#changedAtMs.get(prefix) : undefined,
    )
  }

  remove(key: string): Promise<void> {
    return this.#do('remove', key, () => this.#take(key))
  }

  removeLazily(key: string): Promise<void> {
    return this.#do('removeLazily', key, () => this.#take(key))
  }

  move(from: string, to: string): Promise<boolean> {
    return this.#do('move', from, () => {
      const moved = this.#below(from)
      if (moved.length === 0) return false
      this.#take(to)
      for (const [key, { bytes }] of moved) this.put(`${to}${key.slice(from.length)}`, bytes)
      this.#take(from)
      return true
    })
  }

  /** There are no folders but those that hold something. */
  prune(prefix: string): Promise<void> {
    return this.#do('prune', prefix, () => {})
  }

  /** Nothing is ever in the making. */
  sweep(): Promise<void> {
    return this.#do('sweep', '', () => {})
  }

  usage(): Promise<StoreUsage | undefined> {
    return this.#do('usage', '', () => {
      const usedBytes = [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
      return { totalBytes: TOTAL_BYTES, freeBytes: TOTAL_BYTES - usedBytes }
    })
  }

  async #do<T>(operation: Operation, key: string, work: () => T | Promise<T>): Promise<T> {
    this.calls.push(`${operation} ${key}`)
    const kind = this.#failing.get(operation)
    if (kind !== undefined) throw new StorageError(kind, `${operation} ${key}: told to fail`)
    const outcome = await work()
    await this.pause(operation, key)
    return outcome
  }

  #below(key: string): [string, Entry][] {
    return [...this.#entries].filter(([each]) => each === key || each.startsWith(`${key}/`))
  }

  #take(key: string): void {
    const gone = this.#below(key)
    for (const [each] of gone) this.#entries.delete(each)
    if (gone.length > 0) this.#note(key)
  }

  #isFolder(key: string): boolean {
    return [...this.#entries.keys()].some((each) => each.startsWith(`${key}/`))
  }

  /** A name appears in, or goes from, the folder that holds it. */
  #note(key: string): void {
    this.#changedAtMs.set(key.slice(0, Math.max(0, key.lastIndexOf('/'))), this.nowMs)
  }
}

const foldersOf = (key: string): string[] => {
  const segments = key.split('/')
  return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('/'))
}
