/** `cache`, `local` and `limits` of the configuration → what keeps the store in order, by itself and on demand. */
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Flights } from '../fetch/flights.ts'
import type { Partials } from '../fetch/partials.ts'
import type { Admission } from '../fetch/plan.ts'
import { Collector } from '../keep/collect.ts'
import { CollectSchedule } from '../keep/collect-schedule.ts'
import { Expiry } from '../keep/expire.ts'
import { Routine } from '../keep/routine.ts'
import { sweepLeftovers } from '../keep/sweep.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import type { Repositories } from '../repository.ts'
import { createBudget } from './budget.ts'
import type { Store } from './store.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** How often the free space is looked at, in milliseconds: pushes and other programs take of it, too. */
const LOOK_EVERY_MS = 10_000
/** Time that a start has for other things, in milliseconds. */
const AFTER_START_MS = 5_000

/** When garbage is collected; in milliseconds. */
export interface CollectTimes {
  /** From the end of one collection to the next. */
  readonly everyMs: number
  /** How long what may be about to be named is kept. */
  readonly graceMs: number
}

/** What order is kept with besides the store. */
export interface KeepTools {
  readonly repositories: Repositories
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Instead of the usual times. */
  readonly collect?: CollectTimes | undefined
}

/** What is being fetched. */
export interface FetchParts {
  readonly flights: Pick<Flights, 'list' | 'find'>
  readonly partials: Pick<Partials, 'sweep' | 'measureLeft' | 'dropLeft'>
}

/** Builds what keeps the store in order. */
export const createKeep = (config: Config, store: Store, tools: KeepTools) => {
  const { collect, log } = tools
  const parts = { ...store, ...tools }
  const { budget, evictor } = createBudget(config, store, tools)
  const keepUnnamedMs = config.local.keepunnamed
  const collector = new Collector({
    ...parts,
    keepUnnamedMs,
    onCollected: ({ blobs }) => {
      if (blobs === 0) return
      // It may have been mirrored.
      store.mirroredSize.doubt()
      void budget.check()
    },
  })
  const schedule = new CollectSchedule({ ...parts, collector, keepUnnamedMs })
  const expiry = new Expiry({ ...parts, ttlMs: config.proxy.ttl })
  const routine = (
    name: string,
    firstMs: number,
    everyMs: number,
    run: (signal: AbortSignal) => Promise<void>,
  ) => new Routine({ name, firstMs, everyMs, run, log })
  const routines = [
    routine('look at the disk budget', AFTER_START_MS, LOOK_EVERY_MS, () => budget.check()),
    routine('count of mirrored content', HOUR_MS, DAY_MS, (signal) => evictor.count(signal)),
    routine('expiry of mirrored content', MINUTE_MS, HOUR_MS, (signal) => expiry.run(signal)),
  ]
  // A store that is not to be changed is not to shrink either.
  if (!config.storage.maintenance.readonly.enabled)
    routines.push(
      collect === undefined
        ? routine('garbage collection', MINUTE_MS, MINUTE_MS, (signal) => schedule.tick(signal))
        : routine('garbage collection', collect.everyMs, collect.everyMs, async (signal) => {
            await collector.run({ graceMs: collect.graceMs, signal })
          }),
    )
  return {
    budget,
    evictor,
    collector,
    expiry,
    /** Says whether what is fetched may be kept. */
    admission: {
      admit: ({ sizeBytes, upstream }) => budget.admit(sizeBytes, upstream.name),
      requireFit: ({ upstream }, sizeBytes) => budget.requireFit(sizeBytes, upstream.name),
    } satisfies Admission,
    /** Begins what is done by itself. */
    async start({ flights, partials }: FetchParts): Promise<void> {
      const isFetched = (digest: Digest): boolean => flights.find(digest) !== undefined
      budget.watch({
        list: () =>
          flights
            .list()
            .filter(({ isHandedOver, isStopped }) => !isHandedOver && !isStopped)
            .map(({ plan, sizeBytes, writtenBytes }) => ({
              upstream: plan.upstream.name,
              sizeBytes: sizeBytes ?? plan.sizeBytes,
              writtenBytes,
            })),
        measureLeft: () => partials.measureLeft(isFetched),
        dropLeft: () => partials.dropLeft(isFetched),
      })
      routines.push(
        routine('sweep of leftovers', AFTER_START_MS, HOUR_MS, () => sweepLeftovers({ ...parts, partials })),
      )
      await store.mirroredSize.start()
      store.uses.start()
      store.pulls.start()
      for (const each of routines) each.start()
    },
    /** Ends it. */
    async close(): Promise<void> {
      await Promise.all([budget.stop(), ...routines.map((each) => each.stop())])
      await store.mirroredSize.stop()
      await store.uses.stop()
      await store.pulls.stop()
    },
  }
}

/** What keeps a store in order. */
export type Keep = ReturnType<typeof createKeep>
