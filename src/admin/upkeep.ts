/** Garbage collection and the scrub as jobs that an operator starts: see `keep/collect` and `keep/scrub`. */
import type { Collector, CollectRequest } from '../keep/collect.ts'
import type { Scrub } from '../keep/scrub.ts'
import type { JobWork } from './job.ts'
import { toTime } from './times.ts'

/** Part of the store that must have been read before the size of the whole is told: digests lie evenly, more or less. */
const MIN_FRACTION = 0.05

/** Collects garbage. */
export const collectGarbage =
  (collector: Pick<Collector, 'run'>, request: Pick<CollectRequest, 'isDryRun' | 'dropsUntagged'>): JobWork =>
  async (job) => {
    const { isDryRun, repositories, manifests, links, blobs, bytes, waiting } = await collector.run({
      ...request,
      signal: job.signal,
    })
    Object.assign(job.progress, { done: blobs, total: blobs, bytes, totalBytes: bytes })
    return { isDryRun, repositories, manifests, links, blobs, bytes, waiting }
  }

/** Verifies all that is stored. */
export const scrubStore =
  (scrub: Pick<Scrub, 'run'>): JobWork =>
  async (job) => {
    const { startedAtMs, endedAtMs, ...counts } = await scrub.run({
      signal: job.signal,
      onProgress: ({ blobs, bytes, fraction }) => {
        Object.assign(job.progress, { done: blobs, bytes })
        if (fraction < MIN_FRACTION) return
        job.progress.total = Math.max(blobs, Math.round(blobs / fraction))
        job.progress.totalBytes = Math.max(bytes, Math.round(bytes / fraction))
      },
    })
    const { blobs, bytes } = counts
    Object.assign(job.progress, { done: blobs, total: blobs, bytes, totalBytes: bytes })
    return { ...counts, startedAt: toTime(startedAtMs), endedAt: toTime(endedAtMs) }
  }
