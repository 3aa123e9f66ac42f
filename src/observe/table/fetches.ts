/** Downloads of blobs from upstreams. */
import type { Make } from '../make.ts'

/** How a download of a blob ends: `uncached` where the store does not take it, and each client reads for himself. */
const OUTCOMES = ['completed', 'failed', 'corrupt', 'uncached'] as const

/** Makes them. */
export const fetchMetrics = ({ counter, gauge }: Make) => ({
  fetches: counter('entrepot_fetches_total', 'Downloads of blobs that ended, by outcome', {
    outcome: OUTCOMES,
  }),
  fetchesActive: gauge('entrepot_fetches_active', 'Downloads of blobs in progress'),
  fetchResumes: counter('entrepot_fetch_resumes_total', 'Times a download went on after it was interrupted'),
  prefetches: counter('entrepot_prefetches_total', 'Blobs fetched ahead of their client'),
})
