/** What clients read, and how it was answered: entrepot's own metrics, and those of distribution's pull-through cache. */
import { LATER, type Make } from '../make.ts'

/** What was read. */
export const CONTENT_TYPES = ['blob', 'manifest'] as const

/**
 * How a read was answered: one word in code, log, metric and dashboard.
 * - `hit`: from the store
 * - `miss`: from an upstream, by a fetch of its own
 * - `joined`: from an upstream, by a fetch that was under way for somebody else
 * - `stale`: from the store, since the upstream failed, or gives few more pulls
 * - `uncached`: from an upstream, past the store
 */
export const ANSWERS = ['hit', 'miss', 'joined', 'stale', 'uncached'] as const

/**
 * Why an answer was stale: the kinds of `UpstreamError` that a cached answer stands in for; `budget`: few pulls were left, and
 * kept for what is not cached.
 */
const STALE_CAUSES = [
  ...['unreachable', 'timeout', 'status', 'limited', 'refused', 'forbidden', 'corrupt'],
  'budget',
]

/** Makes them. */
export const readMetrics = ({ counter }: Make) => ({
  reads: counter('entrepot_reads_total', 'Reads of content and lists, by how they were answered', {
    type: [...CONTENT_TYPES, 'list'],
    answer: ANSWERS,
  }),
  staleAnswers: counter(
    'entrepot_stale_answers_total',
    'Cached answers given because the upstream failed, or gives few more pulls, by cause',
    { cause: STALE_CAUSES },
  ),
  clientBytes: counter('entrepot_client_bytes_total', 'Bytes of blobs and manifests sent to clients', {
    type: CONTENT_TYPES,
  }),
  upstreamBytes: counter(
    'entrepot_upstream_bytes_total',
    'Bytes of bodies received from upstreams, whatever they were for',
    { upstream: LATER },
  ),
  savedBytes: counter(
    'entrepot_saved_bytes_total',
    'Bytes of mirrored content sent to clients that no upstream had to send for them, ever since the volume is used',
  ),
  proxyRequests: counter('registry_proxy_requests_total', 'Requests to the mirror', { type: CONTENT_TYPES }),
  proxyHits: counter('registry_proxy_hits_total', 'Requests to the mirror answered from the store', {
    type: CONTENT_TYPES,
  }),
  proxyMisses: counter(
    'registry_proxy_misses_total',
    'Requests to the mirror that asked an upstream for content',
    { type: CONTENT_TYPES },
  ),
  proxyPulledBytes: counter('registry_proxy_pulled_bytes_total', 'Bytes from upstreams', {
    type: CONTENT_TYPES,
  }),
  proxyPushedBytes: counter('registry_proxy_pushed_bytes_total', 'Bytes of mirrored content to clients', {
    type: CONTENT_TYPES,
  }),
})
