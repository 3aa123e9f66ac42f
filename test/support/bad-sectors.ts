/**
 * A disk with bad sectors: what is told to be lost of a key cannot be read any more, and all else is as the driver has it.
 *
 *     const disk = new BadSectors()
 *     const driver = disk.under(realDriver)
 *     disk.lose(blobKey(digest), 100_000)       // from that byte on
 *     disk.die()                                // nothing at all works any more
 */
import { type StorageDriver, StorageError, type StoredFile } from '../../src/store/driver.ts'

const damaged = (key: string): StorageError =>
  new StorageError('damaged', `EIO while reading ${key}: told to`)

/** See the top of this file. */
export class BadSectors {
  readonly #lostFrom = new Map<string, number>()
  #isDead = false

  /** Lets what lies at a key be unreadable from a byte on. */
  lose(key: string, fromByte = 0): void {
    this.#lostFrom.set(key, fromByte)
  }

  /** Lets every operation fail. */
  die(): void {
    this.#isDead = true
  }

  /** Lets everything be readable again. */
  mend(): void {
    this.#isDead = false
    this.#lostFrom.clear()
  }

  /** The driver on this disk. What is written anew lies elsewhere, and can be read. */
  under(driver: StorageDriver): StorageDriver {
    const over: Partial<StorageDriver> = {
      open: async (key) => {
        const file = await driver.open(key)
        return file && this.#wrap(key, file)
      },
      read: async (key) => {
        const bytes = await driver.read(key)
        if (bytes !== undefined && this.#lostFrom.has(key)) throw damaged(key)
        return bytes
      },
      move: async (from, to) => {
        const isMoved = await driver.move(from, to)
        for (const [key, fromByte] of this.#lostFrom)
          if (isMoved && key.startsWith(`${from}/`)) {
            this.#lostFrom.delete(key)
            this.#lostFrom.set(`${to}${key.slice(from.length)}`, fromByte)
          }
        return isMoved
      },
      adopt: async (file, key) => {
        await driver.adopt(file, key)
        this.#lostFrom.delete(key)
      },
      write: async (key, bytes) => {
        await driver.write(key, bytes)
        this.#lostFrom.delete(key)
      },
    }
    return new Proxy(driver, {
      get: (target, property) => {
        const value: unknown = Reflect.get(over, property) ?? Reflect.get(target, property)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]): Promise<unknown> => {
          if (this.#isDead) throw damaged(String(args[0]))
          return value.apply(target, args) as unknown
        }
      },
    })
  }

  #wrap(key: string, file: StoredFile): StoredFile {
    return {
      sizeBytes: file.sizeBytes,
      read: async (buffer, position, length) => {
        const from = this.#lostFrom.get(key) ?? Number.POSITIVE_INFINITY
        if (position >= from) throw damaged(key)
        return file.read(buffer, position, Math.min(length, from - position))
      },
      close: () => file.close(),
    }
  }
}
