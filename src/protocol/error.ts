/**
 * The wire errors of the registry API as one table (distribution-spec 1.1, Error codes, and the codes that
 * distribution adds). Use cases throw a {@link RegistryError}; `http/errors.ts` alone writes it.
 */

/** Code → the HTTP status it usually travels with, and the standard message. */
const TABLE = {
  BLOB_UNKNOWN: [404, 'blob unknown to registry'],
  BLOB_UPLOAD_INVALID: [404, 'blob upload invalid'],
  BLOB_UPLOAD_UNKNOWN: [404, 'blob upload unknown to registry'],
  DENIED: [403, 'requested access to the resource is denied'],
  DIGEST_INVALID: [400, 'provided digest did not match uploaded content'],
  MANIFEST_BLOB_UNKNOWN: [400, 'manifest references a manifest or blob unknown to registry'],
  MANIFEST_INVALID: [400, 'manifest invalid'],
  MANIFEST_UNKNOWN: [404, 'manifest unknown to registry'],
  NAME_INVALID: [400, 'invalid repository name'],
  NAME_UNKNOWN: [404, 'repository name not known to registry'],
  PAGINATION_NUMBER_INVALID: [400, 'invalid number of results requested'],
  RANGE_INVALID: [416, 'invalid content range'],
  SIZE_INVALID: [400, 'provided length did not match content length'],
  TAG_INVALID: [400, 'invalid tag name'],
  TOOMANYREQUESTS: [429, 'too many requests'],
  UNAUTHORIZED: [401, 'authentication required'],
  UNAVAILABLE: [503, 'service unavailable'],
  UNKNOWN: [500, 'unknown error'],
  UNSUPPORTED: [405, 'the operation is unsupported'],
} as const satisfies Record<string, readonly [status: number, message: string]>

/** An error code of the registry API. */
export type ErrorCode = keyof typeof TABLE

/** One entry of the `errors` array of an error body. */
export interface ErrorEntry {
  readonly code: ErrorCode
  readonly message: string
  /** Any JSON; it reaches the client, so never a secret. */
  readonly detail?: unknown
}

/** What else an error may say. */
export interface RegistryErrorOptions {
  /** Instead of the code's standard message: what happened, to what, what to do. Reaches the client. */
  readonly message?: string
  readonly detail?: unknown
  /** Instead of the code's usual status: 413, 502, 504, 507. */
  readonly status?: number
  /** Sent with the answer: `Retry-After`, `Allow`, `WWW-Authenticate`, `Content-Range`. */
  readonly headers?: Readonly<Record<string, string>>
  /** For the log only. */
  readonly cause?: unknown
  /** Further entries of the same answer, as for several missing blobs of one manifest. */
  readonly more?: readonly ErrorEntry[]
}

/** An answer other than success, as the OCI error body knows it. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: ErrorCode
  readonly status: number
  readonly detail: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly more: readonly ErrorEntry[]

  constructor(code: ErrorCode, options: RegistryErrorOptions = {}) {
    const [status, message] = TABLE[code]
    super(options.message ?? message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? status
    this.detail = options.detail
    this.headers = options.headers ?? {}
    this.more = options.more ?? []
  }

  /** The OCI error body, newline at the end as distribution writes it. */
  toBody(): string {
    const first: ErrorEntry = { code: this.code, message: this.message, detail: this.detail }
    return `${JSON.stringify({ errors: [first, ...this.more] })}\n`
  }
}
