/**
 * Which processes work on this volume. Partial files carry their owner's id; one whose owner is gone may be taken over
 * at once, so that a restart after a crash waits for nothing, while another living server's files are left alone.
 */
import { randomBytes } from 'node:crypto'
import { hostname, uptime } from 'node:os'
import type { Logger } from '../observe/log.ts'
import type { StorageDriver } from './driver.ts'
import { OWNERS_PREFIX } from './paths.ts'

/** How often the mark of a living owner is renewed, in milliseconds. */
const RENEW_EVERY_MS = 5_000
/** After how long without renewal an owner counts as gone, in milliseconds. */
const GONE_AFTER_MS = 20_000
/** Two boot times this close are the same boot: they are computed from clocks, in milliseconds. */
const BOOT_TOLERANCE_MS = 60_000

interface OwnerMark {
  readonly host: string
  readonly pid: number
  readonly bootedAtMs: number
  readonly renewedAtMs: number
}

/** What is known of an owner: still there, gone, or gone with the machine's last boot (its unsynced writes with it). */
export type OwnerState = 'alive' | 'gone' | 'rebooted'

const processExists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const bootedAtMs = (nowMs: number): number => nowMs - uptime() * 1000

/** This process as an owner of files on the volume. */
export class Owner {
  /** Unique among all processes of all times. */
  readonly id = randomBytes(8).toString('hex')
  readonly #driver: StorageDriver
  readonly #log: Logger
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined

  constructor(driver: StorageDriver, log: Logger, now: () => number = Date.now) {
    this.#driver = driver
    this.#log = log
    this.#now = now
  }

  /** Begins to renew this process's mark. A volume that cannot be written is served all the same. */
  async start(): Promise<void> {
    await this.#renew()
    this.#timer = setInterval(() => void this.#renew(), RENEW_EVERY_MS).unref()
  }

  /** Ends the renewal and removes the mark. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#driver.remove(`${OWNERS_PREFIX}/${this.id}`).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'owner mark not removed')
    })
  }

  /** What became of the owner with this id. */
  async stateOf(id: string): Promise<OwnerState> {
    if (id === this.id) return 'alive'
    const mark = await this.#read(id)
    if (mark === undefined) return 'gone'
    const nowMs = this.#now()
    if (Math.abs(mark.bootedAtMs - bootedAtMs(nowMs)) > BOOT_TOLERANCE_MS) return 'rebooted'
    // In a container every process has the same number: another one with ours is our predecessor.
    const isSameHost = mark.host === hostname()
    if (isSameHost && (mark.pid === process.pid || !processExists(mark.pid))) return 'gone'
    return nowMs - mark.renewedAtMs < GONE_AFTER_MS ? 'alive' : 'gone'
  }

  async #read(id: string): Promise<OwnerMark | undefined> {
    const bytes = await this.#driver.read(`${OWNERS_PREFIX}/${id}`)
    try {
      return bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as OwnerMark)
    } catch {
      return undefined
    }
  }

  async #renew(): Promise<void> {
    const renewedAtMs = this.#now()
    const mark: OwnerMark = {
      host: hostname(),
      pid: process.pid,
      bootedAtMs: bootedAtMs(renewedAtMs),
      renewedAtMs,
    }
    try {
      await this.#driver.writeLazily(`${OWNERS_PREFIX}/${this.id}`, JSON.stringify(mark))
    } catch (error) {
      this.#log.debug({ err: error }, 'owner mark not renewed')
    }
  }
}
