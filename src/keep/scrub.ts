/**
 * Reads every blob and manifest of the store slowly in the background, and has repaired what is not what its digest says. It
 * goes through the store in the order of digests, so that a position is all that must be kept over a restart, and holds the
 * names of one bucket at a time. A scrub begins a week after the one before began; on demand at once.
 */
import type { Digest } from '../protocol/digest.ts'
import { Pace } from './pace.ts'
import type { Quarantine } from './quarantine.ts'
import { fractionBefore, type ScrubParts, type ScrubProgress, ScrubRun } from './scrub-run.ts'
import {
  NO_COUNTS,
  readScrubState,
  type ScrubPass,
  type ScrubReport,
  type ScrubState,
  writeScrubState,
} from './scrub-state.ts'
import { VolumeSharedError } from './shared.ts'

/** Time from the begin of one scrub to the begin of the next, in milliseconds. */
const EVERY_MS = 7 * 24 * 60 * 60 * 1000

/** What is scrubbed, with what, and how fast. */
export interface ScrubOptions extends ScrubParts {
  readonly quarantine: Quarantine
  /** Bytes a second that are read in the background; 0: nothing is. */
  readonly rateBytes: number
  /** Whether clients are being served: it slows down then. */
  readonly isBusy: () => boolean
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** How to scrub on demand. */
export interface ScrubRequest {
  /** Bytes a second; `undefined`: as fast as it goes without being in the way of clients. */
  readonly rateBytes?: number | undefined
  /** Ends the run between two reads; what is left is done in the background. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (progress: ScrubProgress) => void
}

/** Scrubs, one run at a time. */
export class Scrub {
  readonly #options: ScrubOptions
  #state: ScrubState | undefined
  #progress: ScrubProgress | undefined
  #running: Promise<unknown> = Promise.resolve()
  /** Ends the run in the background, for one on demand. */
  #background: AbortController | undefined

  constructor(options: ScrubOptions) {
    this.#options = options
  }

  /** The last scrub that came to its end, also one before a restart. */
  get last(): ScrubReport | undefined {
    return this.#state?.last
  }

  /** How far the scrub has come that is under way. */
  get progress(): ScrubProgress | undefined {
    return this.#progress
  }

  /** Learns what an earlier process did. @throws StorageError */
  async load(): Promise<void> {
    const state = await this.#read()
    if (state.last !== undefined) this.#options.metrics.scrubLastRun.set(state.last.endedAtMs / 1000)
    this.#showProgress(state.pass?.position)
  }

  /** Does in the background what is due. @throws VolumeSharedError, StorageError, the signal's reason */
  async tick(signal: AbortSignal): Promise<void> {
    const { rateBytes, now } = this.#options
    const { pass, last } = await this.#read()
    const isDue = pass !== undefined || last === undefined || now() - last.startedAtMs >= EVERY_MS
    if (rateBytes === 0 || !isDue) return
    const preempted = new AbortController()
    this.#background = preempted
    const both = AbortSignal.any([signal, preempted.signal])
    try {
      await this.#alone(() => this.#run({ rateBytes, signal: both }, true))
    } catch (error) {
      if (!preempted.signal.aborted) throw error
    } finally {
      this.#background = undefined
    }
  }

  /**
   * Scrubs all of the store now, in place of what is under way in the background and after what was asked for before.
   * @throws VolumeSharedError, StorageError, the signal's reason
   */
  run(request: ScrubRequest = {}): Promise<ScrubReport> {
    this.#background?.abort(new Error('a scrub was asked for'))
    return this.#alone(() => this.#run(request, false))
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#running.then(work)
    this.#running = run.catch(() => {})
    return run
  }

  async #run(request: ScrubRequest, goesOn: boolean): Promise<ScrubReport> {
    const { owner, quarantine } = this.#options
    const { rateBytes, signal = new AbortController().signal, onProgress } = request
    signal.throwIfAborted()
    if (!(await owner.isAlone())) throw new VolumeSharedError()
    const { isBusy, sleep, now } = this.#options
    // Not by the clock of the machine, which may be set.
    const pace = new Pace({ rateBytes, isBusy, sleep, signal, now: () => performance.now() })
    const begun = goesOn ? (await this.#read()).pass : undefined
    const pass = begun ?? { ...NO_COUNTS, startedAtMs: now(), position: undefined }
    const run = new ScrubRun(
      this.#options,
      {
        pace,
        signal,
        keep: (each) => this.#keep({ pass: each, last: this.last }),
        onProgress: (progress) => {
          this.#progress = progress
          this.#options.metrics.scrubProgress.set(progress.fraction)
          onProgress?.(progress)
        },
      },
      pass,
    )
    try {
      const done = await run.run()
      await quarantine.tend(signal)
      return await this.#finish(done)
    } catch (error) {
      await this.#keep({ pass: run.pass, last: this.last })
      throw error
    } finally {
      this.#progress = undefined
    }
  }

  async #finish({ position: _, ...counts }: ScrubPass): Promise<ScrubReport> {
    const { log, metrics, now } = this.#options
    const last = { ...counts, endedAtMs: now() }
    await this.#keep({ pass: undefined, last })
    metrics.scrubLastRun.set(last.endedAtMs / 1000)
    metrics.scrubProgress.set(1)
    const isSound = last.rottenLocal + last.rottenMirrored + last.left === 0
    log[isSound ? 'info' : 'warn'](
      last,
      isSound ? 'scrubbed: all is well' : 'scrubbed: some content was rotten',
    )
    return last
  }

  #showProgress(position: Digest | undefined): void {
    if (position !== undefined) this.#options.metrics.scrubProgress.set(fractionBefore(position))
  }

  async #read(): Promise<ScrubState> {
    this.#state ??= await readScrubState(this.#options.driver)
    return this.#state
  }

  /** A store that cannot be written is scrubbed all the same. */
  async #keep(state: ScrubState): Promise<void> {
    this.#state = state
    await writeScrubState(this.#options.driver, state).catch((error: unknown) =>
      this.#options.log.debug({ err: error }, 'position of the scrub not kept'),
    )
  }
}
