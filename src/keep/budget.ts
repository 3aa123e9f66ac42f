/**
 * The disk budget (design §3): mirrored content stays within `cache.maxsize` and each upstream within its share, and leaves
 * `cache.minfree` of the file system, what is being fetched included. It is looked at when a fetch begins to write and every
 * few seconds; eviction goes on beside the fetches. A fetch that cannot fit is not kept, and a disk that is full all the same
 * is made room on: no pull and no push fails for want of evicting.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../observe/log.ts'
import { type StorageDriver, StorageError } from '../store/driver.ts'
import type { MirroredSize } from '../store/mirrored-size.ts'
import { type Bounds, type Demand, type Figures, findDemands } from './demand.ts'
import type { Evictor } from './evict.ts'
import { VolumeSharedError } from './shared.ts'

/** Longest time that a fetch waits for room, where it is the last that fits, in milliseconds. */
const ADMIT_WITHIN_MS = 1_000
/** Longest time that a write waits for room on a full disk, in milliseconds. */
const ROOM_WITHIN_MS = 20_000
/** More than is asked for is evicted on a full disk, in bytes: others write as well. */
const ROOM_SLACK_BYTES = 64 * 2 ** 20
/** How often eviction is followed by another look at the figures, before the next occasion is waited for. */
const MAX_ROUNDS = 8

/** A fetch in progress, as far as the budget needs to know. */
export interface Fetch {
  readonly upstream: string
  /** Size of the whole, where it is known; what is being stored already counts there. */
  readonly sizeBytes: number | undefined
  readonly writtenBytes: number
}

/** What is being fetched. */
export interface Fetches {
  list(): readonly Fetch[]
  /** Bytes of partial files that nobody goes on with. */
  measureLeft(): Promise<number>
  /** Removes those. @returns how many bytes that frees */
  dropLeft(): Promise<number>
}

/** What the budget is kept with. */
export interface BudgetOptions {
  readonly bounds: Bounds
  readonly evictor: Pick<Evictor, 'evict' | 'count'>
  readonly mirroredSize: MirroredSize
  readonly driver: Pick<StorageDriver, 'usage'>
  readonly log: Logger
}

/** Keeps the budget. */
export class Budget {
  readonly #options: BudgetOptions
  readonly #stop = new AbortController()
  #fetches: Fetches = { list: () => [], measureLeft: async () => 0, dropLeft: async () => 0 }
  #checking: Promise<void> | undefined
  #isWanted = false
  #isExhausted = false

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /** What is to be kept. */
  get bounds(): Bounds {
    return this.#options.bounds
  }

  /** Tells what is being fetched. */
  watch(fetches: Fetches): void {
    this.#fetches = fetches
  }

  /** Ends what is under way; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the server stops'))
    await this.#checking
  }

  /** The figures as they are now. @throws StorageError */
  async figures(): Promise<Figures> {
    const { driver, mirroredSize } = this.#options
    const fetches = this.#fetches.list()
    const wholeOf = ({ sizeBytes = 0, writtenBytes }: Fetch): number => Math.max(sizeBytes, writtenBytes)
    const bytesOf = (upstream: string): number =>
      mirroredSize.total(upstream) +
      sum(fetches, (fetch) => (fetch.upstream === upstream ? wholeOf(fetch) : 0))
    const wholeBytes = sum(fetches, wholeOf)
    const [leftBytes, usage] = await Promise.all([this.#fetches.measureLeft(), driver.usage()])
    return {
      mirroredBytes: mirroredSize.total(),
      partialBytes: leftBytes + wholeBytes,
      comingBytes: wholeBytes - sum(fetches, ({ writtenBytes }) => writtenBytes),
      bytesOf,
      usage,
    }
  }

  /** Evicts what is over the budget. Resolves when that is done, or cannot be; never rejects. */
  check(): Promise<void> {
    this.#isWanted = true
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /**
   * Asks whether something that is to be fetched may be kept, and sees to room for it.
   * @throws StorageError `budget` where it may not
   */
  async admit(sizeBytes: number | undefined, upstream: string): Promise<void> {
    this.requireFit(sizeBytes, upstream)
    const demands = await this.#demands()
    if (demands.length === 0) return
    const checked = this.check()
    // What is a little over is evicted beside the fetch.
    if (!isFar(demands)) return
    await within(ADMIT_WITHIN_MS, checked)
    if (isFar(await this.#demands()))
      throw new StorageError('budget', 'the disk budget is used up, and nothing can be evicted')
  }

  /** @throws StorageError `budget` where something is larger than all that may be kept */
  requireFit(sizeBytes: number | undefined, upstream: string): void {
    const { maxBytes = Number.POSITIVE_INFINITY, shareBytes } = this.#options.bounds
    const bound = Math.min(maxBytes, shareBytes.get(upstream) ?? Number.POSITIVE_INFINITY)
    if ((sizeBytes ?? 0) <= bound) return
    throw new StorageError('budget', `${sizeBytes} bytes are more than the whole disk budget of ${bound}`)
  }

  /** Makes room on a full disk, whatever the budget says. @returns whether anything was freed; never rejects */
  async makeRoom(bytes: number): Promise<boolean> {
    const { evictor, log } = this.#options
    const freed = evictor
      .evict({ bytes: bytes + ROOM_SLACK_BYTES, signal: this.#stop.signal })
      .catch((error: unknown) => {
        log.debug({ err: error }, 'no room made on a full disk')
        return 0
      })
      .then(async (bytes) => (bytes > 0 ? bytes : this.#fetches.dropLeft().catch(() => 0)))
    return ((await within(ROOM_WITHIN_MS, freed)) ?? 0) > 0
  }

  async #demands(): Promise<Demand[]> {
    return findDemands(this.#options.bounds, await this.figures())
  }

  async #check(): Promise<void> {
    const { log } = this.#options
    try {
      while (this.#isWanted && !this.#stop.signal.aborted) {
        this.#isWanted = false
        await this.#checkOnce()
      }
    } catch (error) {
      const isExpected = error instanceof VolumeSharedError || this.#stop.signal.aborted
      log[isExpected ? 'debug' : 'warn']({ err: error }, 'disk budget not kept: it is tried again')
    }
  }

  async #checkOnce(): Promise<void> {
    const { evictor, mirroredSize } = this.#options
    const { signal } = this.#stop
    if (!mirroredSize.isCertain) await evictor.count(signal)
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      let freedBytes = 0
      for (const demand of await this.#demands()) {
        const evicted = await evictor.evict({ ...demand, signal })
        const freed = evicted > 0 || demand.upstream !== undefined ? evicted : await this.#fetches.dropLeft()
        this.#tell(demand, freed)
        freedBytes += freed
      }
      if (freedBytes === 0) return
    }
  }

  /** That nothing can be evicted is told once, until something is. */
  #tell({ overBytes, upstream }: Demand, freedBytes: number): void {
    const { log } = this.#options
    const isExhausted = freedBytes === 0
    if (!isExhausted) log.info({ overBytes, freedBytes, upstream }, 'evicted to keep the disk budget')
    else if (!this.#isExhausted)
      log.warn({ overBytes, upstream }, 'over the disk budget, and nothing can be evicted: nothing is kept')
    this.#isExhausted = isExhausted
  }
}

/** Bytes over a bound that are more than the slack below it: fetches are quicker than the eviction. */
const isFar = (demands: readonly Demand[]): boolean =>
  demands.some(({ overBytes, bytes }) => overBytes > bytes - overBytes)

/** What a promise gives in time; `undefined` where it does not. */
const within = async <T>(ms: number, promise: Promise<T>): Promise<T | undefined> => {
  const late = new AbortController()
  try {
    return await Promise.race([promise, sleep(ms, undefined, { ref: false, signal: late.signal })])
  } finally {
    late.abort()
  }
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0)
