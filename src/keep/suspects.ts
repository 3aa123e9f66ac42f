/**
 * Blobs whose bytes somebody has found to be wrong: looked at one after the other, in the background, and repaired where it is
 * true. So is one that a client comes for twice within minutes, who may have found its bytes wrong. And, for who cannot go on
 * without, where a blob of a local repository could be had from.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import { Memory } from '../memory.ts'
import type { Logger } from '../observe/log.ts'
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import type { Mirrored } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { findHolders, type HolderParts, toMirrored } from './holders.ts'
import { Pace } from './pace.ts'
import type { Repair } from './repair.ts'

/** Most blobs that wait to be looked at; others are found by the scrub. */
const MAX_WAITING = 1_000
/** Within this time of having got it a client that comes for a blob again may have found it wrong, in milliseconds. */
const AGAIN_WITHIN_MS = 10 * 60 * 1000
/** Blobs and clients of which that is remembered. */
const MAX_GIVEN = 20_000
/** For how long a blob is not doubted again for that, in milliseconds, and how many are remembered. */
const DOUBTED_AFTER_MS = 6 * 60 * 60 * 1000
const MAX_DOUBTED = 20_000
/** Bytes a second that are read of suspects. */
const RATE_BYTES = 50e6
/** For how long it is believed that no mirrored repository has a blob, in milliseconds: to find out is a long walk. */
const NOWHERE_FOR_MS = 60_000

/** What they are looked at with. */
export interface SuspectsOptions extends HolderParts {
  readonly blobs: BlobStore
  readonly repair: Repair
  readonly coordinator: Coordinator
  readonly log: Logger
  readonly isBusy: () => boolean
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** See the top of this file. */
export class Suspects {
  readonly #options: SuspectsOptions
  readonly #waiting = new Set<Digest>()
  readonly #given = new Memory<string, true>(MAX_GIVEN, { ttl: AGAIN_WITHIN_MS })
  readonly #doubted = new Memory<Digest, true>(MAX_DOUBTED, { ttl: DOUBTED_AFTER_MS })
  readonly #stop = new AbortController()
  readonly #pace: Pace
  #running: Promise<void> | undefined

  constructor(options: SuspectsOptions) {
    this.#options = options
    const { isBusy, sleep } = options
    const now = (): number => performance.now()
    this.#pace = new Pace({ rateBytes: RATE_BYTES, isBusy, sleep, now, signal: this.#stop.signal })
    options.blobs.watchSuspicions((digest) => this.#add(digest))
  }

  /**
   * Looks at a blob now, whose size is not what a manifest says. Its replacement is not waited for.
   * @returns whether its bytes are known to be right
   */
  async isRight(digest: Digest): Promise<boolean> {
    const { repair, coordinator, log } = this.#options
    const { signal } = this.#stop
    try {
      const verdict = await coordinator.once(`examine ${digest}`, () => repair.examine(digest, { signal }))
      return verdict.kind === 'right'
    } catch (error) {
      log.debug({ err: error, digest }, 'blob not examined')
      return false
    }
  }

  /** A client was given all of a stored blob. */
  noteGiven(digest: Digest, client: string): void {
    const key = `${client} ${digest}`
    if (!this.#given.has(key)) {
      this.#given.set(key, true)
      return
    }
    if (this.#doubted.has(digest) || algorithmOf(digest) !== 'sha256') return
    this.#doubted.set(digest, true)
    this.#add(digest)
  }

  /** A mirrored repository that has a blob or manifest as well, which is stored nowhere any more. */
  async findElsewhere(stored: Digest): Promise<Mirrored | undefined> {
    const { coordinator } = this.#options
    const key = `nowhere else ${stored}`
    if ((await coordinator.recall(key)) !== undefined) return undefined
    const found = await coordinator.once(key, () => this.#findElsewhere(stored))
    if (found === undefined) await coordinator.remember(key, true, NOWHERE_FOR_MS)
    return found
  }

  /** Ends what is under way, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the server stops'))
    this.#waiting.clear()
    await this.#running
  }

  /** Resolves when nothing waits any more. */
  async settle(): Promise<void> {
    await this.#running
  }

  #add(digest: Digest): void {
    if (this.#stop.signal.aborted || this.#waiting.size >= MAX_WAITING) return
    this.#waiting.add(digest)
    this.#running ??= this.#run()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { repair, log } = this.#options
    const { signal } = this.#stop
    for (const digest of this.#waiting) {
      try {
        const pace = (bytes: number): Promise<void> => this.#pace.read(bytes)
        const verdict = await repair.examine(digest, { pace, signal })
        if (verdict.kind === 'rotten') await verdict.replaced
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, digest }, 'blob not examined: the scrub comes to it')
      }
      this.#waiting.delete(digest)
    }
    // At once, so that whoever is added from now on is begun with.
    this.#running = undefined
  }

  async #findElsewhere(stored: Digest): Promise<Mirrored | undefined> {
    const { mirrored } = await findHolders(this.#options, stored)
    for (const { name } of mirrored) {
      const repository = await toMirrored(this.#options, name)
      if (repository !== undefined) return repository
    }
    return undefined
  }
}
