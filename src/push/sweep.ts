/**
 * Removes unfinished pushes that got no bytes for long (`storage.maintenance.uploadpurging`): our own, and those that
 * docker-registry left in its repositories, which nobody else can go on with.
 */
import type { Logger } from '../observe/log.ts'
import { walkRepositories } from '../store/catalog.ts'
import type { StorageDriver } from '../store/driver.ts'
import { foreignUploadsPrefix } from '../store/paths.ts'
import type { Uploads } from './upload.ts'

/** Time after the start at which is swept first, in milliseconds: a start has other things to do. */
const FIRST_AFTER_MS = 60_000

/** When and what to sweep; times in milliseconds. */
export interface UploadSweepOptions {
  readonly uploads: Uploads
  readonly driver: StorageDriver
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly isEnabled: boolean
  readonly ageMs: number
  readonly intervalMs: number
  /** Only tells what it would remove. */
  readonly isDryRun: boolean
}

/** Sweeps now and then. */
export class UploadSweep {
  readonly #options: UploadSweepOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(options: UploadSweepOptions) {
    this.#options = options
  }

  /** Begins to sweep. */
  start(): void {
    if (this.#options.isEnabled) this.#schedule(Math.min(FIRST_AFTER_MS, this.#options.intervalMs))
  }

  /** Ends it; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Sweeps once. @throws StorageError */
  async sweep(): Promise<void> {
    const { uploads, ageMs, isDryRun, now } = this.#options
    await uploads.sweep(ageMs, isDryRun)
    for await (const { name, hasForeignUploads } of walkRepositories(this.#options.driver)) {
      if (this.#isStopped) return
      if (hasForeignUploads) await this.#sweepForeign(foreignUploadsPrefix(name), now() - ageMs)
    }
  }

  #schedule(afterMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#running = this.sweep()
        .catch((error: unknown) =>
          this.#options.log.warn({ err: error }, 'sweep of uploads failed: it is tried again later'),
        )
        .finally(() => this.#schedule(this.#options.intervalMs))
    }, afterMs).unref()
  }

  async #sweepForeign(prefix: string, beforeMs: number): Promise<void> {
    const { driver, log, isDryRun } = this.#options
    for (const id of await driver.list(prefix)) {
      const startedAtMs = await this.#foreignStart(`${prefix}/${id}`)
      if (startedAtMs === undefined || startedAtMs >= beforeMs) continue
      log.info(
        { upload: `${prefix}/${id}` },
        isDryRun ? 'stale upload of docker-registry' : 'stale upload of docker-registry removed',
      )
      if (!isDryRun) await driver.remove(`${prefix}/${id}`)
    }
  }

  /** When it began, as `startedat` says, else when its bytes were last written; `undefined` where nothing tells. */
  async #foreignStart(folder: string): Promise<number | undefined> {
    const { driver } = this.#options
    const written = Date.parse((await driver.read(`${folder}/startedat`))?.toString().trim() ?? '')
    return Number.isNaN(written) ? (await driver.stat(`${folder}/data`))?.modifiedAtMs : written
  }
}
