/** Figures that are looked up when somebody scrapes, and counts that outlive a restart. */
import type { HealthReport } from '../http/admin.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Governor } from '../pull/governor.ts'
import { LastingCounter } from '../store/lasting-counter.ts'
import { SAVED_BYTES_KEY } from '../store/paths.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Store } from './store.ts'

/** Where the figures come from. */
export interface FigureSources {
  readonly version: string
  readonly store: Store
  readonly upstreams: readonly Upstream[]
  readonly governor: Governor
  readonly health: HealthReport
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const showHealth = ({ ready, checksFailing }: Metrics, { isReady, findings }: HealthReport): void => {
  ready.set(isReady ? 1 : 0)
  checksFailing.set(Object.keys(findings).length)
}

const showUpstreams = (metrics: Metrics, { upstreams, governor, now }: FigureSources): void => {
  const { upstreamLimited, upstreamOutage, upstreamSpared, upstreamUp } = metrics
  for (const each of upstreams) {
    const upstream = each.name
    const { limitedUntilMs = 0, outageUntilMs, isReachable } = each.health()
    upstreamLimited.set({ upstream }, limitedUntilMs > now() ? 1 : 0)
    upstreamSpared.set({ upstream }, governor.isLow(each) ? 1 : 0)
    upstreamOutage.set({ upstream }, outageUntilMs === undefined ? 0 : 1)
    if (isReachable !== undefined) upstreamUp.set({ upstream }, isReachable ? 1 : 0)
  }
}

const showStore = async ({ storeSize, storeFree }: Metrics, { driver }: Store): Promise<void> => {
  const usage = await driver.usage()
  if (usage === undefined) return
  storeSize.set(usage.totalBytes)
  storeFree.set(usage.freeBytes)
}

/** Connects the metrics with what they tell of. @returns the count of saved bytes, to be started and stopped */
export const connectMetrics = (metrics: Metrics, sources: FigureSources): LastingCounter => {
  const { version, store, health, log } = sources
  metrics.buildInfo.set({ version }, 1)
  metrics.scrape.before(() => showHealth(metrics, health))
  metrics.scrape.before(() => showUpstreams(metrics, sources))
  metrics.scrape.before(() => showStore(metrics, store))
  return new LastingCounter({
    driver: store.driver,
    key: SAVED_BYTES_KEY,
    counted: metrics.readMeter.saved,
    exported: metrics.savedBytes.series({}),
    log,
  })
}
