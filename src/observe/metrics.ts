/**
 * Every metric of entrepot in one table, in a registry of its own, so that several servers can live in one process.
 * entrepot's own names begin with `entrepot_`; the names of distribution that people have dashboards for are kept
 * beside them. No label holds a repository: their number has no bound.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** How a read was answered: one word in code, log, metric and dashboard. */
export type Answer = 'hit' | 'miss' | 'joined' | 'stale' | 'uncached'

/** What was read. */
export type ContentType = 'blob' | 'manifest' | 'list'

const LATENCY_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 60]

/** Makes all metrics, every counter at 0 where its labels are known beforehand. */
export const createMetrics = () => {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers })
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) => new Histogram<L>({ name, help, labelNames: [...labelNames], buckets, registers })

  const metrics = {
    registry,
    reads: counter('entrepot_reads_total', 'Reads of content, by how they were answered', ['type', 'answer']),
    staleAnswers: counter(
      'entrepot_stale_answers_total',
      'Cached answers given because the upstream failed, by cause',
      ['cause'],
    ),
    clientBytes: counter('entrepot_client_bytes_total', 'Bytes of blobs and manifests sent to clients', [
      'type',
    ]),
    upstreamBytes: counter(
      'entrepot_upstream_bytes_total',
      'Bytes of blobs and manifests received from upstreams',
      ['upstream'],
    ),
    savedBytes: counter(
      'entrepot_saved_bytes_total',
      'Bytes sent to clients that no upstream had to send for them',
    ),
    fetches: counter('entrepot_fetches_total', 'Downloads of blobs that ended, by outcome', ['outcome']),
    fetchesActive: gauge('entrepot_fetches_active', 'Downloads of blobs in progress'),
    fetchResumes: counter(
      'entrepot_fetch_resumes_total',
      'Times a download went on after it was interrupted',
    ),
    prefetches: counter('entrepot_prefetches_total', 'Blobs fetched ahead of their client'),
    upstreamRequests: counter('entrepot_upstream_requests_total', 'Answers of upstreams', [
      'upstream',
      'kind',
      'status',
    ]),
    upstreamSeconds: histogram(
      'entrepot_upstream_request_duration_seconds',
      'Time to the head of an upstream answer',
      ['upstream', 'kind'],
      LATENCY_BUCKETS_S,
    ),
    upstreamQueueSeconds: histogram(
      'entrepot_upstream_queue_wait_seconds',
      'Time a request waited for its place',
      ['upstream', 'queue'],
      LATENCY_BUCKETS_S,
    ),
    upstreamUp: gauge('entrepot_upstream_up', '1 while the last request to an upstream got an answer', [
      'upstream',
    ]),
    credentialsRefused: gauge(
      'entrepot_upstream_credentials_refused',
      '1 while an upstream refuses the configured password',
      ['upstream'],
    ),
    rateLimit: gauge('entrepot_upstream_ratelimit_limit', 'Requests an upstream allows in its window', [
      'upstream',
      'source',
    ]),
    rateLimitRemaining: gauge(
      'entrepot_upstream_ratelimit_remaining',
      'Requests an upstream still allows in its window',
      ['upstream', 'source'],
    ),
    rateLimitKnown: gauge('entrepot_upstream_ratelimit_known', '1 where an upstream tells its limit', [
      'upstream',
    ]),
    redirectsRefused: counter(
      'entrepot_upstream_refused_targets_total',
      'Redirects and realms that were not followed',
      ['upstream', 'reason'],
    ),
    corruptFetches: counter(
      'entrepot_upstream_corrupt_total',
      'Answers of upstreams whose bytes were wrong',
      ['upstream'],
    ),
    proxyRequests: counter('registry_proxy_requests_total', 'Requests to the mirror', ['type']),
    proxyHits: counter('registry_proxy_hits_total', 'Requests to the mirror answered from the store', [
      'type',
    ]),
    proxyMisses: counter(
      'registry_proxy_misses_total',
      'Requests to the mirror that asked an upstream for content',
      ['type'],
    ),
    proxyPulledBytes: counter('registry_proxy_pulled_bytes_total', 'Bytes from upstreams', ['type']),
    proxyPushedBytes: counter('registry_proxy_pushed_bytes_total', 'Bytes of mirrored content to clients', [
      'type',
    ]),
    httpInFlight: gauge('registry_http_in_flight_requests', 'Requests in progress', ['handler']),
    httpRequests: counter('registry_http_requests_total', 'Requests answered', ['handler', 'code', 'method']),
    httpSeconds: histogram(
      'registry_http_request_duration_seconds',
      'Time from a request to the end of its answer',
      ['handler', 'method'],
      REQUEST_BUCKETS_S,
    ),
  }
  for (const type of ['blob', 'manifest'] as const) {
    for (const answer of ['hit', 'miss', 'joined', 'stale', 'uncached'] as const)
      metrics.reads.inc({ type, answer }, 0)
    for (const each of [
      metrics.proxyRequests,
      metrics.proxyHits,
      metrics.proxyMisses,
      metrics.proxyPulledBytes,
      metrics.proxyPushedBytes,
    ])
      each.inc({ type }, 0)
    metrics.clientBytes.inc({ type }, 0)
  }
  for (const outcome of ['completed', 'failed', 'corrupt'] as const) metrics.fetches.inc({ outcome }, 0)
  collectDefaultMetrics({ register: registry })
  return metrics
}

/** All metrics of one server. */
export type Metrics = ReturnType<typeof createMetrics>
