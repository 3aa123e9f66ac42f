/**
 * Which processes work on this volume. Partial files carry their owner's id; one whose owner is gone may be taken over
 * at once, so that a restart after a crash waits for nothing, while another living server's files are left alone.
 *
 * An owner's mark says where it lives and when that was last renewed; in the end, that it has ended. Marks are never
 * synced, so after a power cut one may be missing or torn: of its owner nothing is certain then.
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../observe/log.ts'
import type { StorageDriver } from './driver.ts'
import { type Machine, thisMachine } from './machine.ts'
import { OWNERS_PREFIX } from './paths.ts'

/** How often the mark of a living owner is renewed, in milliseconds. */
const RENEW_EVERY_MS = 5_000
/** After how long without renewal an owner counts as gone, in milliseconds. */
const GONE_AFTER_MS = 20_000
/** Two boot times this close are the same boot: they are computed from clocks, in milliseconds. */
const BOOT_TOLERANCE_MS = 60_000
/** After how long without renewal its mark is removed, in milliseconds: its partial files are swept before. */
const FORGET_AFTER_MS = 48 * 60 * 60 * 1000

interface OwnerMark {
  readonly host: string
  readonly pid: number
  readonly bootedAtMs: number
  readonly renewedAtMs: number
  readonly hasEnded: boolean
}

/**
 * What is known of an owner: still there; gone; or gone, and its unsynced writes with it, since the machine has
 * booted or nothing is known of it.
 */
export type OwnerState = 'alive' | 'gone' | 'rebooted'

const parseMark = (text: string): OwnerMark | undefined => {
  try {
    const mark = (JSON.parse(text) ?? {}) as Record<string, unknown>
    const { host, pid, bootedAtMs, renewedAtMs, hasEnded } = mark
    if (typeof host !== 'string' || typeof pid !== 'number') return undefined
    if (typeof bootedAtMs !== 'number' || typeof renewedAtMs !== 'number') return undefined
    return { host, pid, bootedAtMs, renewedAtMs, hasEnded: hasEnded === true }
  } catch {
    return undefined
  }
}

/** This process as an owner of files on the volume. */
export class Owner {
  /** Unique among all processes of all times. */
  readonly id = randomBytes(8).toString('hex')
  readonly #driver: StorageDriver
  readonly #log: Logger
  readonly #machine: Machine
  /** Resolves when other processes can see this one, or the volume cannot be written. */
  readonly marked: Promise<void>
  #onMarked: () => void = () => {}
  #timer: NodeJS.Timeout | undefined
  #renewing: Promise<void> = Promise.resolve()

  /** @param machine where this process lives; tests give one of their own */
  constructor(driver: StorageDriver, log: Logger, machine: Machine = thisMachine) {
    this.#driver = driver
    this.#log = log
    this.#machine = machine
    this.marked = new Promise((resolve) => {
      this.#onMarked = resolve
    })
  }

  /** Begins to renew this process's mark. A volume that cannot be written is served all the same. */
  async start(): Promise<void> {
    await this.#renew(false)
    this.#onMarked()
    this.#timer = setInterval(() => {
      this.#renewing = this.#renew(false)
    }, RENEW_EVERY_MS).unref()
  }

  /** Ends the renewal, and says so: whoever comes next need not wait until the mark is old. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#renewing
    await this.#renew(true)
  }

  /** What became of the owner with this id. @throws StorageError */
  async stateOf(id: string): Promise<OwnerState> {
    if (id === this.id) return 'alive'
    const mark = await this.#read(id)
    if (mark === undefined) return 'rebooted'
    if (this.#isAlive(mark)) return 'alive'
    return this.#isOfThisBoot(mark) ? 'gone' : 'rebooted'
  }

  /**
   * Whether no other process works on this volume: none that is seen here, and what comes later sees what was done. A
   * number that is nobody's does not do, as it does for {@link stateOf}: who removes what others need had better wait
   * until the mark of one that crashed is old.
   */
  async isAlone(): Promise<boolean> {
    for (const id of await this.#driver.list(OWNERS_PREFIX)) {
      const mark = id === this.id ? undefined : await this.#read(id)
      if (mark !== undefined && this.#isFresh(mark)) return false
    }
    return true
  }

  /**
   * When a process of another boot of its machine was last heard of that did not end in order: its last writes may be torn.
   * @returns milliseconds since the epoch, `undefined` where there was none lately
   */
  async cutOffAtMs(): Promise<number | undefined> {
    let lastMs: number | undefined
    for (const id of await this.#driver.list(OWNERS_PREFIX)) {
      if (id === this.id) continue
      const mark = await this.#read(id)
      if (mark !== undefined && (mark.hasEnded || this.#isAlive(mark) || this.#isOfThisBoot(mark))) continue
      // Of a torn mark no more is known than that it was written.
      lastMs = Math.max(lastMs ?? 0, mark?.renewedAtMs ?? this.#machine.startedAtMs)
    }
    return lastMs
  }

  /** Removes the marks of processes that are gone so long that nothing of theirs is there to be judged by them. */
  async sweep(): Promise<void> {
    for (const id of await this.#driver.list(OWNERS_PREFIX)) {
      const renewedAtMs = (await this.#read(id))?.renewedAtMs ?? 0
      if (id !== this.id && renewedAtMs < this.#machine.now() - FORGET_AFTER_MS)
        await this.#driver.removeLazily(`${OWNERS_PREFIX}/${id}`)
    }
  }

  #isAlive(mark: OwnerMark): boolean {
    const { host, pid, startedAtMs, isRunning } = this.#machine
    if (!this.#isFresh(mark)) return false
    // Of another machine, or in another container, no more can be known.
    if (mark.host !== host) return true
    if (!this.#isOfThisBoot(mark)) return false
    // Its number says nothing when it was renewed while we were here: it lives in another container under our name.
    return mark.renewedAtMs >= startedAtMs || (mark.pid !== pid && isRunning(mark.pid))
  }

  #isFresh({ hasEnded, renewedAtMs }: OwnerMark): boolean {
    return !hasEnded && Math.abs(this.#machine.now() - renewedAtMs) < GONE_AFTER_MS
  }

  #isOfThisBoot({ bootedAtMs }: OwnerMark): boolean {
    return Math.abs(bootedAtMs - this.#machine.bootedAtMs()) <= BOOT_TOLERANCE_MS
  }

  async #read(id: string): Promise<OwnerMark | undefined> {
    const bytes = await this.#driver.read(`${OWNERS_PREFIX}/${id}`)
    return bytes === undefined ? undefined : parseMark(bytes.toString())
  }

  /** Never rejects. */
  async #renew(hasEnded: boolean): Promise<void> {
    const { host, pid, now } = this.#machine
    const bootedAtMs = this.#machine.bootedAtMs()
    const mark: OwnerMark = { host, pid, bootedAtMs, renewedAtMs: now(), hasEnded }
    try {
      await this.#driver.writeLazily(`${OWNERS_PREFIX}/${this.id}`, JSON.stringify(mark))
    } catch (error) {
      this.#log.debug({ err: error }, 'owner mark not renewed')
    }
  }
}
