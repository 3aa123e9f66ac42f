/**
 * Every metric of entrepot, from the tables in `table/`, in a registry of its own, so that several servers can live in
 * one process. entrepot's own names begin with `entrepot_`; the names of distribution that people have dashboards for are
 * kept beside them. No label holds a repository: their number has no bound.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { CacheMeter } from './cache-meter.ts'
import { createMake } from './make.ts'
import { OperationMeter } from './operation-meter.ts'
import { ReadMeter } from './read-meter.ts'
import { RequestMeter } from './request-meter.ts'
import { Scrape } from './scrape.ts'
import { accessMetrics } from './table/access.ts'
import { fetchMetrics } from './table/fetches.ts'
import { jobMetrics } from './table/jobs.ts'
import { keepMetrics } from './table/keep.ts'
import { notificationMetrics } from './table/notifications.ts'
import { pushMetrics } from './table/pushes.ts'
import { readMetrics } from './table/reads.ts'
import { requestMetrics } from './table/requests.ts'
import { serverMetrics } from './table/server.ts'
import { storageMetrics } from './table/storage.ts'
import { upstreamMetrics } from './table/upstreams.ts'
import { warmMetrics } from './table/warm.ts'

/** Makes all metrics. */
export const createMetrics = () => {
  const registry = new Registry()
  const scrape = new Scrape(registry)
  const make = createMake(registry)
  const reads = readMetrics(make)
  const requests = requestMetrics(make)
  const pushes = pushMetrics(make)
  const storage = storageMetrics(make)
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    scrape,
    ...reads,
    readMeter: new ReadMeter(reads),
    ...fetchMetrics(make),
    ...upstreamMetrics(make),
    ...pushes,
    operationMeter: new OperationMeter(pushes),
    ...storage,
    cacheMeter: new CacheMeter(storage),
    ...serverMetrics(make),
    ...requests,
    requestMeter: new RequestMeter(requests, scrape),
    ...keepMetrics(make),
    ...jobMetrics(make),
    ...warmMetrics(make),
    ...notificationMetrics(make),
    ...accessMetrics(make),
  }
}

/** All metrics of one server. */
export type Metrics = ReturnType<typeof createMetrics>
