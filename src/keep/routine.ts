/** Work that is done again and again by itself, in the background, until the server stops. */
import type { Logger } from '../observe/log.ts'
import { VolumeSharedError } from './shared.ts'

/** How often, and what. */
export interface RoutineOptions {
  /** What it is, for messages. */
  readonly name: string
  /** Time from the start until it is done first, and from its end until it is done again, in milliseconds. */
  readonly firstMs: number
  readonly everyMs: number
  /** The work; the signal ends it. */
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly log: Logger
}

/** Longest time that a timer can wait, in milliseconds: Node ends a longer one at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Does it. */
export class Routine {
  readonly #options: RoutineOptions
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: RoutineOptions) {
    this.#options = options
  }

  /** Begins. */
  start(): void {
    this.#schedule(this.#options.firstMs)
  }

  /** Ends what is under way, and resolves when it has ended. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stop.abort(new Error('the server stops'))
    await this.#running
  }

  #schedule(afterMs: number): void {
    if (this.#stop.signal.aborted) return
    this.#timer = setTimeout(
      () => {
        if (afterMs > MAX_TIMER_MS) return this.#schedule(afterMs - MAX_TIMER_MS)
        this.#running = this.#run().then(() => this.#schedule(this.#options.everyMs))
      },
      Math.min(afterMs, MAX_TIMER_MS),
    ).unref()
  }

  /** A failure is told, and the work tried again when its time comes. */
  async #run(): Promise<void> {
    const { run, name, log } = this.#options
    try {
      await run(this.#stop.signal)
    } catch (error) {
      const isExpected = error instanceof VolumeSharedError || this.#stop.signal.aborted
      log[isExpected ? 'debug' : 'warn']({ err: error }, `${name} failed: it is tried again later`)
    }
  }
}
