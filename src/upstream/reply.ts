/** An answer read to its end, and what it means where it is no success (distribution-spec 1.1, Error codes). */
import type { IncomingHttpHeaders } from 'node:http'
import { parseChallenges } from '../protocol/challenge.ts'
import { type Answer, discard, mediaTypeOfAnswer, readBody } from './answer.ts'
import { readRetryAfterMs } from './rate-limit.ts'
import { UpstreamError } from './upstream.ts'

/** A whole answer. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly url: URL
  readonly bytes: Buffer
  /** Whether it came from another origin than was asked. */
  readonly isRedirected: boolean
}

/** Most bytes that are read of the body of a failure. */
const MAX_ERROR_BYTES = 64 * 1024

/** Whether a status is a success. */
export const isSuccess = (status: number): boolean => status >= 200 && status < 300

/**
 * Reads an answer to its end.
 * @throws UpstreamError `status` where a success is longer than `maxBytes`
 */
export const readReply = async (answer: Answer, asked: URL, maxBytes: number): Promise<Reply> => {
  const { status, headers, url, body } = answer
  const bytes = await readBody(body, isSuccess(status) ? maxBytes : MAX_ERROR_BYTES)
  if (bytes === undefined && isSuccess(status))
    throw new UpstreamError('status', `${url.host} sent more than ${maxBytes} bytes: not taken`, { status })
  return { status, headers, url, bytes: bytes ?? Buffer.alloc(0), isRedirected: url.origin !== asked.origin }
}

/** The same, but the body of a success is let go. */
export const readReplyHead = async (answer: Answer, asked: URL): Promise<Reply> => {
  const { status, headers, url, body } = answer
  if (!isSuccess(status)) return await readReply(answer, asked, 0)
  discard(body)
  return { status, headers, url, bytes: Buffer.alloc(0), isRedirected: url.origin !== asked.origin }
}

/** The first entry of an OCI error body, or `undefined` where the body is none. */
const ociErrorOf = ({ bytes }: Reply): { code: string; message: string } | undefined => {
  try {
    const { errors } = JSON.parse(bytes.toString()) as { errors?: unknown }
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined
    if (typeof first !== 'object' || first === null) return undefined
    const { code, message } = first as { code?: unknown; message?: unknown }
    return { code: String(code ?? ''), message: typeof message === 'string' ? message : '' }
  } catch {
    return undefined
  }
}

/** Whether a registry speaks, and not some box on the way to it. A `HEAD` has no body: its headers must do. */
const isFromRegistry = (reply: Reply): boolean => {
  if (ociErrorOf(reply) !== undefined) return true
  if (reply.bytes.length > 0 || reply.isRedirected) return false
  const { headers } = reply
  return (
    headers['docker-distribution-api-version'] !== undefined ||
    headers['www-authenticate'] !== undefined ||
    mediaTypeOfAnswer(headers) === 'application/json'
  )
}

/** Codes that some registries send with 400 for what they do not have. */
const ABSENT_CODES: ReadonlySet<string> = new Set([
  'NAME_UNKNOWN',
  'NAME_INVALID',
  'MANIFEST_UNKNOWN',
  'TAG_INVALID',
  'BLOB_UNKNOWN',
])

/** Whether the registry complains of a token or password that has expired, other than by 401 (public and private ECR). */
export const isExpiryComplaint = (reply: Reply): boolean => {
  if (reply.isRedirected || (reply.status !== 400 && reply.status !== 403)) return false
  const error = ociErrorOf(reply)
  // A HEAD has no body to complain in.
  if (error === undefined) return reply.status === 400 && reply.bytes.length === 0
  return reply.status === 400
    ? error.code === 'DENIED' || error.code === 'UNAUTHORIZED'
    : /expired/i.test(error.message)
}

/** Whether a 429 is the limit on requests of every kind: told as bare text, not as an OCI error (protocol 6.1). */
export const isAbuseLimit = (reply: Reply): boolean =>
  reply.bytes.length > 0 && ociErrorOf(reply) === undefined

/** A token that its own service has just given, and that the registry does not take, says nothing about the content. */
const isTokenDefect = ({ headers }: Reply): boolean =>
  parseChallenges(headers['www-authenticate']).some(({ parameters }) => parameters.error === 'invalid_token')

const isAbsence = (reply: Reply): boolean => {
  const { status } = reply
  if (status === 404 || status === 410) return true
  if (status === 401 || status === 403) return isFromRegistry(reply) && !isTokenDefect(reply)
  return status === 400 && ABSENT_CODES.has(ociErrorOf(reply)?.code ?? '')
}

/** An unknown repository is what an account might have been shown: everything else was judged without it. */
const mayBeHidden = (reply: Reply): boolean =>
  reply.status === 401 || reply.status === 403 || ociErrorOf(reply)?.code === 'NAME_UNKNOWN'

/** Longest part of an upstream's own message that is passed on, in characters. */
const MAX_QUOTED = 200

const quote = (reply: Reply): string => {
  const error = ociErrorOf(reply)
  if (error === undefined) return ''
  const text = `${error.code} ${error.message}`.replace(/\?\S+/g, '').slice(0, MAX_QUOTED).trim()
  return text === '' ? '' : `: ${text}`
}

/** What a failure is told with. */
export interface FailureContext {
  /** What was asked of whom: `docker.io, manifest of library/alpine:latest`. */
  readonly what: string
  /** Why the account is not used just now, if so. */
  readonly refusal: string | undefined
  /** Milliseconds since the epoch, for a `Retry-After` that is a date. */
  readonly nowMs: number
}

/** The error that an answer without success stands for. 429 is `limited`. */
export const failureOf = (reply: Reply, { what, refusal, nowMs }: FailureContext): UpstreamError => {
  const { status, headers } = reply
  const retryAfterMs = readRetryAfterMs(headers, nowMs)
  if (status === 429)
    return new UpstreamError('limited', `${what}: rate limit reached${quote(reply)}`, {
      status,
      retryAfterMs,
    })
  if (!isAbsence(reply)) {
    const place = reply.isRedirected ? ` at ${reply.url.host}` : ''
    return new UpstreamError('status', `${what}: answered ${status}${place}${quote(reply)}`, {
      status,
      retryAfterMs,
    })
  }
  if (refusal !== undefined && mayBeHidden(reply))
    return new UpstreamError('refused', `${what}: not shown to anonymous, and ${refusal}`, { status })
  return new UpstreamError('absent', `${what}: not there${quote(reply)}`, { status })
}

/** The challenges that a 401 has, where it is the upstream's own. */
export const challengesOf = ({ status, headers, isRedirected }: Reply): string | readonly string[] =>
  status === 401 && !isRedirected ? (headers['www-authenticate'] ?? []) : []
