/**
 * A count that goes on after a restart where it was. What is exported has been written before: a counter that fell back
 * after a crash, and be it by a byte, would look to Prometheus like one that began anew, and all of it would count once
 * more. So it lags a little, and is never too high.
 */
import type { Series } from '../observe/counter.ts'
import type { Logger } from '../observe/log.ts'
import type { StorageDriver } from './driver.ts'

/** How often a count that has grown is written, in milliseconds. */
const WRITE_EVERY_MS = 10_000

/** What a count is kept with. */
export interface LastingCounterOptions {
  readonly driver: StorageDriver
  /** Where it is kept, as a number in decimal digits. */
  readonly key: string
  /** What was counted since the start. */
  readonly counted: Series
  /** What others see. */
  readonly exported: Series
  readonly log: Logger
}

const parseCount = (bytes: Buffer | undefined): number => {
  const count = Number(bytes?.toString('latin1').trim() ?? 0)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}

/** Keeps a count. */
export class LastingCounter {
  readonly #options: LastingCounterOptions
  #timer: NodeJS.Timeout | undefined
  /** How much of what was counted is in the store. */
  #kept = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(options: LastingCounterOptions) {
    this.#options = options
  }

  /** Takes up what is stored, and begins to keep what is counted. */
  async start(): Promise<void> {
    const { exported } = this.#options
    exported.value = await this.#read().catch(() => 0)
    this.#timer = setInterval(() => void this.flush(), WRITE_EVERY_MS).unref()
  }

  /** Writes what was counted so far. Never rejects: what cannot be kept is exported all the same. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /** Writes what was counted, and ends. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }

  async #read(): Promise<number> {
    return parseCount(await this.#options.driver.read(this.#options.key))
  }

  /** Adds to what is there now, since another process may count on the same volume. */
  async #write(): Promise<void> {
    const { driver, key, counted, exported, log } = this.#options
    const upTo = counted.value
    const grown = upTo - this.#kept
    if (grown === 0) return
    let total = exported.value + grown
    try {
      total = Math.max(total, (await this.#read()) + grown)
      await driver.write(key, String(total))
    } catch (error) {
      log.debug({ err: error, key }, 'count not kept: after a restart it begins with what was kept before')
    }
    this.#kept = upTo
    exported.value = total
  }
}
