/** Figures that are looked up when somebody scrapes, and counts that outlive a restart. */
import type { HealthReport } from '../http/admin.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { LastingCounter } from '../store/lasting-counter.ts'
import { SAVED_BYTES_KEY } from '../store/paths.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Store } from './store.ts'

/** Where the figures come from. */
export interface FigureSources {
  readonly version: string
  readonly store: Store
  readonly upstreams: readonly Upstream[]
  readonly health: HealthReport
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const showHealth = ({ ready, checksFailing }: Metrics, { isReady, findings }: HealthReport): void => {
  ready.set(isReady ? 1 : 0)
  checksFailing.set(Object.keys(findings).length)
}

const showUpstreams = (metrics: Metrics, upstreams: readonly Upstream[], nowMs: number): void => {
  const { upstreamLimited, upstreamOutage, upstreamUp } = metrics
  for (const each of upstreams) {
    const upstream = each.name
    const { limitedUntilMs = 0, outageUntilMs, isReachable } = each.health()
    upstreamLimited.set({ upstream }, limitedUntilMs > nowMs ? 1 : 0)
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
  const { version, store, upstreams, health, log, now } = sources
  metrics.buildInfo.set({ version }, 1)
  metrics.scrape.before(() => showHealth(metrics, health))
  metrics.scrape.before(() => showUpstreams(metrics, upstreams, now()))
  metrics.scrape.before(() => showStore(metrics, store))
  return new LastingCounter({
    driver: store.driver,
    key: SAVED_BYTES_KEY,
    counted: metrics.readMeter.saved,
    exported: metrics.savedBytes.series({}),
    log,
  })
}
