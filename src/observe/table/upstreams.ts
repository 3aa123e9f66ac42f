/** What is asked of upstreams, how they are, and how much they still give. */
import { LATER, type Make } from '../make.ts'

/** What an upstream sent us to, in vain. */
export const REFUSED_TARGETS = ['redirect', 'realm'] as const

const LATENCY_BOUNDS_S = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Makes them. */
export const upstreamMetrics = ({ counter, gauge, histogram }: Make) => ({
  upstreamRequests: counter(
    'entrepot_upstream_requests_total',
    'Requests to upstreams that ended, by status of the answer or kind of failure',
    { upstream: LATER, kind: LATER, status: LATER },
  ),
  upstreamSeconds: histogram(
    'entrepot_upstream_request_duration_seconds',
    'Time to the head of an upstream answer',
    LATENCY_BOUNDS_S,
    { upstream: LATER, kind: LATER },
  ),
  upstreamQueueSeconds: histogram(
    'entrepot_upstream_queue_wait_seconds',
    'Time a request waited for its place',
    LATENCY_BOUNDS_S,
    { upstream: LATER, queue: LATER },
  ),
  upstreamUp: gauge('entrepot_upstream_up', '1 while the last request to an upstream got an answer', {
    upstream: LATER,
  }),
  credentialsRefused: gauge(
    'entrepot_upstream_credentials_refused',
    '1 while an upstream refuses the configured password',
    { upstream: LATER },
  ),
  rateLimit: gauge('entrepot_upstream_ratelimit_limit', 'Requests an upstream allows in its window', {
    upstream: LATER,
    source: LATER,
  }),
  rateLimitRemaining: gauge(
    'entrepot_upstream_ratelimit_remaining',
    'Requests an upstream still allows in its window',
    { upstream: LATER, source: LATER },
  ),
  rateLimitKnown: gauge('entrepot_upstream_ratelimit_known', '1 where an upstream tells its limit', {
    upstream: LATER,
  }),
  upstreamLimited: gauge(
    'entrepot_upstream_limited',
    '1 while requests to an upstream are held back because it answered 429',
    { upstream: LATER },
  ),
  upstreamSpared: gauge(
    'entrepot_upstream_pulls_spared',
    '1 while so few pulls are left of an upstream that they are kept for what is not cached',
    { upstream: LATER },
  ),
  upstreamOutage: gauge('entrepot_upstream_outage', '1 while an operator has declared an upstream down', {
    upstream: LATER,
  }),
  dockerHubLimit: gauge('dockerhub_limit_max_requests_total', 'Pulls that Docker Hub allows in its window', {
    reqsource: LATER,
  }),
  dockerHubRemaining: gauge(
    'dockerhub_limit_remaining_requests_total',
    'Pulls that Docker Hub still allows in its window',
    { reqsource: LATER },
  ),
  redirectsRefused: counter(
    'entrepot_upstream_refused_targets_total',
    'Redirects and realms that were not followed',
    { upstream: LATER, reason: REFUSED_TARGETS },
  ),
  corruptFetches: counter('entrepot_upstream_corrupt_total', 'Answers of upstreams whose bytes were wrong', {
    upstream: LATER,
  }),
})
