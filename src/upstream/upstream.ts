/**
 * The port to another registry, in the words of those who pull from it. What is behind it does the token dance, the
 * redirects, the queueing, the deadlines and the retries of *short* requests; a blob's body is the caller's to verify
 * and to resume (`fetch/flight`).
 */
import type { Readable } from 'node:stream'
import type { Digest } from '../protocol/digest.ts'
import type { Reference } from '../protocol/name.ts'

/**
 * How an upstream failed:
 * - `unreachable`: no connection, TLS failure, connection lost, or declared down by an operator
 * - `timeout`: a deadline of ours ran out
 * - `status`: a 5xx, or any answer that makes no sense; `status` says which
 * - `limited`: 429, or a request that was not made because an earlier 429 still holds; `retryAfterMs` says how long
 * - `absent`: it says that there is no such thing: 404, or 401/403 from the registry while our credentials are accepted
 * - `refused`: it does not accept the configured credentials
 * - `forbidden`: our own rules forbid to ask (deny rule, redirect or realm that is not allowed)
 * - `corrupt`: what came does not match its digest or its length
 */
export type UpstreamErrorKind =
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'limited'
  | 'absent'
  | 'refused'
  | 'forbidden'
  | 'corrupt'

/** An upstream did not give what it was asked for. The message is for people and holds no secret and no query string. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly kind: UpstreamErrorKind
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    kind: UpstreamErrorKind,
    message: string,
    options: { status?: number | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}

/** What a `HEAD` of a manifest tells. */
export interface ManifestStat {
  readonly digest: Digest
  readonly mediaType: string
  readonly sizeBytes: number | undefined
}

/** A manifest as it came, verified against the digest that was asked for or announced. */
export interface FetchedManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Buffer
}

/** A blob's body under way. Whoever gets it reads `body` to its end or destroys it: a place in the queue hangs on it. */
export interface BlobBody {
  /** Offset of the first byte of `body` in the blob: `from`, or 0 where the upstream answered a range with the whole. */
  readonly start: number
  /** Size of the whole blob in bytes, where the upstream told. */
  readonly sizeBytes: number | undefined
  readonly body: Readable
}

/** Who waits for a request: a client, or nobody yet. */
export type Priority = 'client' | 'prefetch'

/** What every call to an upstream takes. */
export interface CallOptions {
  /** Ends the call, and gives back its place in the queue. */
  readonly signal?: AbortSignal
  /** In all, waiting included; default: the limit of the kind of request. */
  readonly deadlineMs?: number
  readonly priority?: Priority
  /** Aborted when a client has come to wait for what was asked as a prefetch: its place in the queue gets better. */
  readonly promotion?: AbortSignal
}

/** What a call for a blob takes besides. */
export interface BlobOptions extends CallOptions {
  /** First byte wanted, default 0. */
  readonly from?: number
  /** Last byte wanted, inclusive; default: to the end. */
  readonly to?: number
}

/** What is known of an upstream without asking it. */
export interface UpstreamHealth {
  /** Whether the last answered or failed request was a success. `undefined`: nothing asked yet. */
  readonly isReachable: boolean | undefined
  /** A password that the upstream refuses, said for people; `undefined`: accepted, or not tried. */
  readonly refusedCredentials: string | undefined
  /** The last failure, said for people. */
  readonly lastError: string | undefined
  readonly lastErrorAtMs: number | undefined
  /** Requests that an earlier 429 holds back, until when (milliseconds since the epoch). */
  readonly limitedUntilMs: number | undefined
  readonly rateLimit: RateLimit | undefined
  /** When that was told, in milliseconds since the epoch. */
  readonly rateLimitAtMs?: number | undefined
  /** Until when an operator has declared it down (milliseconds since the epoch). */
  readonly outageUntilMs?: number | undefined
  /** Tokens kept for its next requests. */
  readonly tokens?: number
  /** How many wait for a place: short requests, and transfers of blobs. */
  readonly waiting?: { readonly requests: number; readonly transfers: number }
}

/** `ratelimit-*` of the last answer that had them. Absent means unknown or unlimited. */
export interface RateLimit {
  readonly limit: number
  readonly remaining: number
  /** Window in seconds. */
  readonly windowS: number | undefined
  /** `docker-ratelimit-source`: whose budget it is. */
  readonly source: string | undefined
}

/** A registry that entrepot pulls from. Names are the upstream's own (`library/alpine`). Failures are {@link UpstreamError}. */
export interface Upstream {
  /** Short name for messages, metrics and stored names: its host, or its configured name. */
  readonly name: string
  /** Host that `?ns=` may say, folded: `docker.io`, `ghcr.io`. */
  readonly host: string
  /** Whether requests carry an account. */
  readonly hasCredentials: boolean
  /** `HEAD` of a manifest, or a `GET` where the upstream's `HEAD` is of no use. */
  resolve(name: string, reference: Reference, options?: CallOptions): Promise<ManifestStat>
  /** `GET` of a manifest; verified where `reference` is a digest. */
  manifest(name: string, reference: Reference, options?: CallOptions): Promise<FetchedManifest>
  /** `HEAD` of a blob; where that says no, byte 0 by `GET`. `undefined`: the upstream does not have it there. */
  stat(
    name: string,
    digest: Digest,
    options?: CallOptions,
  ): Promise<{ readonly sizeBytes: number | undefined } | undefined>
  /** `GET` of a blob, or of a part of it. Resolves with the first byte's answer; takes a transfer place until the body ends. */
  blob(name: string, digest: Digest, options?: BlobOptions): Promise<BlobBody>
  /** All tags of a repository, every page of the upstream's list read. */
  tags(name: string, options?: CallOptions): Promise<string[]>
  /** Descriptors that refer to `subject`, as the upstream lists them (raw JSON objects), by the API or by the tag schema. */
  referrers(
    name: string,
    subject: Digest,
    options?: CallOptions,
  ): Promise<Readonly<Record<string, unknown>>[]>
  /** Whether an anonymous caller may pull this repository there. Throws where that cannot be found out. */
  isPublic(name: string, options?: CallOptions): Promise<boolean>
  health(): UpstreamHealth
  /** Closes its connections. */
  close(): Promise<void>
}
