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
/** After how long without renewal its mark is removed, in milliseconds: its partial files are swept before. */
const FORGET_AFTER_MS = 48 * 60 * 60 * 1000
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
  /** Resolves when other processes can see this one, or the volume cannot be written. */
  readonly marked: Promise<void>
  #onMarked: () => void = () => {}
  #timer: NodeJS.Timeout | undefined

  constructor(driver: StorageDriver, log: Logger, now: () => number = Date.now) {
    this.#driver = driver
    this.#log = log
    this.#now = now
    this.marked = new Promise((resolve) => {
      this.#onMarked = resolve
    })
  }

  /** Begins to renew this process's mark. A volume that cannot be written is served all the same. */
  async start(): Promise<void> {
    await this.#renew()
    this.#onMarked()
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

  /** Whether no other process works on this volume: none that is seen here, and what comes later sees what was done. */
  async isAlone(): Promise<boolean> {
    for (const id of await this.#driver.list(OWNERS_PREFIX))
      if (id !== this.id && (await this.stateOf(id)) === 'alive') return false
    return true
  }

  /** Removes the marks of processes that are gone so long that nothing of theirs is there to be judged by them. */
  async sweep(): Promise<void> {
    for (const id of await this.#driver.list(OWNERS_PREFIX)) {
      const renewedAtMs = (await this.#read(id))?.renewedAtMs ?? 0
      if (id !== this.id && renewedAtMs < this.#now() - FORGET_AFTER_MS)
        await this.#driver.removeLazily(`${OWNERS_PREFIX}/${id}`)
    }
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
