/** What went wrong between us and an upstream, in the words of the port: failed connections, and answers that are none. */
import { ConnectTimeoutError, ForbiddenAddressError } from './connector.ts'
import { UpstreamError } from './upstream.ts'

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** The first of several failed addresses says as much as all of them. */
const firstOf = (error: Error): Error => {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  return first instanceof Error ? first : error
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name could not be resolved',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body ended early',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of its answer are too long',
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'ETIMEDOUT',
])

/** Failures of TLS that no further try can mend. */
const isUntrusted = (code: string): boolean =>
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY))/.test(code)

const reasonOf = (code: string, error: Error): string => {
  if (isUntrusted(code)) return `its certificate is not trusted (${code}): give its authority with \`ca\``
  const reason = REASONS[code]
  return reason === undefined ? error.message : `${reason}${code.startsWith('UND_') ? '' : ` (${code})`}`
}

/**
 * A failed connection in the words of the port. What is an `UpstreamError` already stays.
 * @param hasHead it failed in the middle of a body
 */
export const toUpstreamError = (failure: Error, url: URL, hasHead: boolean): UpstreamError => {
  if (failure instanceof UpstreamError) return failure
  const cause = firstOf(failure)
  const code = codeOf(cause)
  const at = url.host
  if (cause instanceof ForbiddenAddressError)
    return new UpstreamError(
      'forbidden',
      `${at} has a private address, and a public upstream may not lead there: not asked; \`redirects\` can allow it`,
      { cause },
    )
  if (code === 'UND_ERR_BODY_TIMEOUT')
    return new UpstreamError('timeout', `${at} stopped sending in the middle of a body`, { cause })
  if (cause instanceof ConnectTimeoutError || TIMEOUTS.has(code))
    return new UpstreamError('timeout', `${at} could not be reached: ${cause.message}`, { cause })
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new UpstreamError('status', `${at} gave an answer that is no HTTP: ${reasonOf(code, cause)}`, {
      cause,
    })
  return new UpstreamError(
    'unreachable',
    `${at} ${hasHead ? 'broke off' : 'could not be reached'}: ${reasonOf(code, cause)}`,
    { cause },
  )
}

/** Whether asking again could not help: a certificate that is not trusted stays so. */
export const isPermanent = (error: UpstreamError): boolean => isUntrusted(codeOf(error.cause))

/** The same failure, with what was asked of whom in front of its message. */
export const inContext = (error: UpstreamError, what: string): UpstreamError => {
  if (error.message.startsWith(what)) return error
  const { kind, status, retryAfterMs, cause } = error
  return new UpstreamError(kind, `${what}: ${error.message}`, { status, retryAfterMs, cause })
}

/** A deadline of ours that ran out. */
export const lateError = (ms: number): UpstreamError =>
  new UpstreamError('timeout', `no answer within ${Math.round(ms) / 1000} s`)
