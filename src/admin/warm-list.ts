/** The warm list of the configuration: fetched when it is due, one run after the other. */
import type { Timetable } from '../keep/timetable.ts'
import type { Warm } from './warm.ts'

/** When the list is due again where an upstream was not well, in milliseconds. */
const AGAIN_AFTER_MS = 15 * 60_000

/** What it goes by. */
export interface WarmListOptions {
  readonly references: readonly string[]
  readonly timetable: Timetable
  readonly warm: Pick<Warm, 'run'>
}

/** Goes by the list. */
export class WarmList {
  readonly #options: WarmListOptions

  constructor(options: WarmListOptions) {
    this.#options = options
  }

  /** To be called every now and then. @throws what a job fails or is cancelled with */
  async tick(): Promise<void> {
    const { references, timetable, warm } = this.#options
    if (!timetable.takeDue()) return
    const { skipped } = await warm.run(references)
    if (skipped > 0) timetable.hasten(AGAIN_AFTER_MS)
  }
}
