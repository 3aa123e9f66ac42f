/** Requests to the registry, under distribution's names. */
import { LATER, type Make } from '../make.ts'

/** Kinds of route: distribution's words, and `referrers`, which it does not have. `base` is everything else. */
export const HANDLERS = [
  'base',
  'manifest',
  'blob',
  'blob_upload',
  'blob_upload_chunk',
  'tags',
  'referrers',
  'catalog',
  'token',
] as const

/** 1 KiB to 2 GiB, each twice the one before. */
const SIZE_BOUNDS_BYTES = Array.from({ length: 22 }, (_, exponent) => 1024 * 2 ** exponent)
const DURATION_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 60]

/** Makes them. */
export const requestMetrics = ({ counter, gauge, histogram }: Make) => ({
  httpInFlight: gauge('registry_http_in_flight_requests', 'Requests in progress', { handler: HANDLERS }),
  httpRequests: counter('registry_http_requests_total', 'Requests answered', {
    handler: HANDLERS,
    code: LATER,
    method: LATER,
  }),
  httpSeconds: histogram(
    'registry_http_request_duration_seconds',
    'Time from a request to the end of its answer',
    DURATION_BOUNDS_S,
    { handler: HANDLERS, method: LATER },
  ),
  httpRequestBytes: histogram(
    'registry_http_request_size_bytes',
    'Bytes of the bodies of requests',
    SIZE_BOUNDS_BYTES,
    { handler: HANDLERS },
  ),
  httpResponseBytes: histogram(
    'registry_http_response_size_bytes',
    'Bytes of the bodies of answers',
    SIZE_BOUNDS_BYTES,
    { handler: HANDLERS },
  ),
})
