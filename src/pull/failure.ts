/**
 * What an upstream's failure means for a client that nothing cached can be given to: the upstream's own error as an OCI
 * error body. Clients go to the next mirror or to the origin on any of these, so they come quickly and say why.
 */
import { RegistryError } from '../protocol/error.ts'
import { UpstreamError } from '../upstream/upstream.ts'

/** Least `Retry-After` that is sent, in seconds. */
const MIN_RETRY_AFTER_S = 1

/** What was being read, for the code of a 404. */
export type Wanted = 'manifest' | 'blob' | 'repository'

const UNKNOWN_CODES = {
  manifest: 'MANIFEST_UNKNOWN',
  blob: 'BLOB_UNKNOWN',
  repository: 'NAME_UNKNOWN',
} as const

/** The answer for a failure; anything that is no UpstreamError is handed back as it is. */
export const toAnswer = (error: unknown, wanted: Wanted): unknown => {
  if (!(error instanceof UpstreamError)) return error
  const options = { message: error.message, cause: error }
  switch (error.kind) {
    case 'absent':
      return new RegistryError(UNKNOWN_CODES[wanted], options)
    case 'limited': {
      const seconds = Math.max(MIN_RETRY_AFTER_S, Math.ceil((error.retryAfterMs ?? 0) / 1000))
      return new RegistryError('TOOMANYREQUESTS', { ...options, headers: { 'Retry-After': String(seconds) } })
    }
    case 'timeout':
      return new RegistryError('UNAVAILABLE', { ...options, status: 504 })
    case 'unreachable':
    case 'status':
    case 'refused':
    case 'forbidden':
    case 'corrupt':
      return new RegistryError('UNAVAILABLE', { ...options, status: 502 })
  }
}

/** Whether a cached answer may stand in: everything but the upstream's own word that there is no such thing. */
export const allowsStale = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && error.kind !== 'absent'

/** The value of `Warning` for a stale answer: the only form that clients read is `299 - "text"`. */
export const formatWarning = ({ message }: { readonly message: string }): string =>
  `299 - "entrepot: served from the cache, ${message.replace(/["\\\r\n]/g, ' ').slice(0, 300)}"`
