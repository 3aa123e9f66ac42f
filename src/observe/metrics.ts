/**
 * Every metric of entrepot, from the tables in `table/`, in a registry of its own, so that several servers can live in
 * one process. entrepot's own names begin with `entrepot_`; the names of distribution that people have dashboards for are
 * kept beside them. No label holds a repository: their number has no bound.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createMake } from './make.ts'
import { accessMetrics } from './table/access.ts'
import { fetchMetrics } from './table/fetches.ts'
import { notificationMetrics } from './table/notifications.ts'
import { type ANSWERS, type CONTENT_TYPES, readMetrics } from './table/reads.ts'
import { requestMetrics } from './table/requests.ts'
import { upstreamMetrics } from './table/upstreams.ts'

/** How a read was answered. */
export type Answer = (typeof ANSWERS)[number]

/** What was read. */
export type ContentType = (typeof CONTENT_TYPES)[number]

/** Makes all metrics. */
export const createMetrics = () => {
  const registry = new Registry()
  const make = createMake(registry)
  const metrics = {
    registry,
    ...readMetrics(make),
    ...fetchMetrics(make),
    ...upstreamMetrics(make),
    ...requestMetrics(make),
    ...notificationMetrics(make),
    ...accessMetrics(make),
  }
  collectDefaultMetrics({ register: registry })
  return metrics
}

/** All metrics of one server. */
export type Metrics = ReturnType<typeof createMetrics>
