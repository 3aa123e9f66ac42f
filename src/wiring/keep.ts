/** `cache`, `local` and `limits` of the configuration → what keeps the store in order, by itself and on demand. */
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Partials } from '../fetch/partials.ts'
import { Collector } from '../keep/collect.ts'
import { CollectSchedule } from '../keep/collect-schedule.ts'
import { Routine } from '../keep/routine.ts'
import { sweepLeftovers } from '../keep/sweep.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Repositories } from '../repository.ts'
import type { Store } from './store.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Time that a start has for other things, in milliseconds. */
const AFTER_START_MS = 5_000

/** What order is kept with besides the store. */
export interface KeepTools {
  readonly partials: Pick<Partials, 'sweep'>
  readonly repositories: Repositories
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Builds what keeps the store in order. */
export const createKeep = ({ local, storage }: Config, store: Store, tools: KeepTools) => {
  const { log } = tools
  const parts = { ...store, ...tools }
  const keepUnnamedMs = local.keepunnamed
  const collector = new Collector({ ...parts, keepUnnamedMs })
  const schedule = new CollectSchedule({ ...parts, collector, keepUnnamedMs })
  const routines = [
    new Routine({
      name: 'sweep of leftovers',
      firstMs: AFTER_START_MS,
      everyMs: HOUR_MS,
      run: () => sweepLeftovers(parts),
      log,
    }),
    new Routine({
      name: 'garbage collection',
      firstMs: MINUTE_MS,
      everyMs: MINUTE_MS,
      run: async (signal) => {
        // A store that is not to be changed is not to shrink either.
        if (!storage.maintenance.readonly.enabled) await schedule.tick(signal)
      },
      log,
    }),
  ]
  return {
    collector,
    /** Begins what is done by itself. */
    start(): void {
      store.uses.start()
      for (const routine of routines) routine.start()
    },
    /** Ends it. */
    async close(): Promise<void> {
      await Promise.all(routines.map((routine) => routine.stop()))
      await store.uses.stop()
    },
  }
}
