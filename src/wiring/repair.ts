/** `limits.scrubrate` of the configuration → what keeps stored bytes right, by itself and on demand. */
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Flights } from '../fetch/flights.ts'
import type { Clock } from '../fetch/source.ts'
import { mendWhenDue } from '../keep/mend.ts'
import { Quarantine } from '../keep/quarantine.ts'
import { type Refetch, Repair } from '../keep/repair.ts'
import { Routine } from '../keep/routine.ts'
import { Scrub } from '../keep/scrub.ts'
import { Suspects } from '../keep/suspects.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Repositories } from '../repository.ts'
import type { Store } from './store.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Time that a start has for other things, in milliseconds. */
const AFTER_START_MS = 5_000

/** What it is kept right with besides the store. */
export interface RepairTools {
  readonly repositories: Repositories
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What fetches, and what is being fetched. */
export interface RefetchParts {
  readonly flights: Pick<Flights, 'list'>
  readonly refetch: Refetch
}

/** Builds what keeps stored bytes right. */
export const createRepair = (config: Config, store: Store, tools: RepairTools) => {
  const { log, clock } = tools
  const parts = { ...store, ...tools, sleep: clock.sleep }
  const repair = new Repair(parts)
  const quarantine = new Quarantine(parts)
  let flights: RefetchParts['flights'] | undefined
  const isBusy = (): boolean => store.blobs.isAnyOpen || (flights?.list().length ?? 0) > 0
  const scrub = new Scrub({ ...parts, repair, quarantine, rateBytes: config.limits.scrubrate, isBusy })
  const suspects = new Suspects({ ...parts, repair, isBusy })
  const mend = { ...parts, isBusy }
  const routines = [
    new Routine({
      name: 'mending of torn links',
      firstMs: AFTER_START_MS,
      everyMs: DAY_MS,
      run: (signal) => mendWhenDue(mend, signal),
      log,
    }),
    new Routine({
      name: 'scrub',
      firstMs: MINUTE_MS,
      everyMs: MINUTE_MS,
      run: (signal) => scrub.tick(signal),
      log,
    }),
  ]
  return {
    scrub,
    quarantine,
    /** What those who read stored content tell of it and ask. */
    mending: suspects,
    /** Begins what is done by itself. */
    async start(fetching: RefetchParts): Promise<void> {
      flights = fetching.flights
      repair.fetchWith(fetching.refetch)
      await scrub.load().catch((error: unknown) => log.debug({ err: error }, 'no scrub to go on with'))
      for (const each of routines) each.start()
    },
    /** Resolves when everything that was suspected so far has been looked at. */
    settle: () => suspects.settle(),
    /** Ends it. */
    async close(): Promise<void> {
      await Promise.all([suspects.stop(), ...routines.map((each) => each.stop())])
    },
  }
}
