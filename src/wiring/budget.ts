/** `cache` and `upstreams` of the configuration → the disk budget and what keeps it. */
import type { Config } from '../config/schema.ts'
import type { Amount } from '../config/size.ts'
import { upstreamsOf } from '../config/upstreams.ts'
import { Budget } from '../keep/budget.ts'
import type { Bounds } from '../keep/demand.ts'
import { Evictor } from '../keep/evict.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Repositories } from '../repository.ts'
import type { Store } from './store.ts'

const GIB = 2 ** 30
/** Where `cache.minfree` is not set: this part of the file system, but no less than so many bytes, and half of it at most. */
const MIN_FREE_SHARE = 0.05
const MIN_FREE_BYTES = 2 * GIB
const MAX_FREE_SHARE = 0.5

const bytesOf = (amount: Amount, totalBytes: number): number =>
  'bytes' in amount ? amount.bytes : Math.floor((totalBytes * amount.percent) / 100)

const defaultMinFree = (totalBytes: number): number =>
  Math.min(Math.max(totalBytes * MIN_FREE_SHARE, MIN_FREE_BYTES), totalBytes * MAX_FREE_SHARE)

/** The bounds that the configuration sets. */
const boundsOf = (config: Config): Bounds => {
  const { maxsize, minfree } = config.cache
  const shares = upstreamsOf(config).flatMap(({ name, share }) =>
    share === undefined ? [] : [[name, bytesOf(share, maxsize ?? 0)] as const],
  )
  return {
    maxBytes: maxsize,
    minFreeBytes: (totalBytes) =>
      minfree === undefined ? defaultMinFree(totalBytes) : bytesOf(minfree, totalBytes),
    shareBytes: new Map(shares),
  }
}

/** What the budget is kept with. */
export interface BudgetTools {
  readonly repositories: Repositories
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Builds the budget, and what evicts for it. */
export const createBudget = (config: Config, store: Store, tools: BudgetTools) => {
  const bounds = boundsOf(config)
  const parts = { ...store, ...tools }
  const evictor = new Evictor(parts)
  const budget = new Budget({ ...parts, bounds, evictor })
  const { metrics } = tools
  metrics.scrape.before(async () => {
    const { mirroredBytes, partialBytes, comingBytes, usage } = await budget.figures()
    if (store.mirroredSize.isKnown) metrics.cacheSize.set(mirroredBytes + partialBytes - comingBytes)
    metrics.cacheLimit.set(bounds.maxBytes ?? Number.POSITIVE_INFINITY)
    if (usage !== undefined) metrics.cacheMinFree.set(bounds.minFreeBytes(usage.totalBytes))
  })
  return { budget, evictor }
}
