/** The limits of a client of a registry, and their defaults (design, Limits). All are settings. */

/** Time limits in milliseconds, and how much at once. */
export interface UpstreamLimits {
  /** To connect to one address. */
  readonly connectAddressMs: number
  /** To connect, all addresses and TLS included. */
  readonly connectMs: number
  /** One try of a short request: token, HEAD, manifest, list. */
  readonly shortMs: number
  /** A call that is made of short requests, waiting and further tries included, where the caller does not say. */
  readonly callMs: number
  /** One try for a blob's first byte, redirects included. */
  readonly firstByteMs: number
  /** A body without a new byte, while somebody reads it. */
  readonly stallMs: number
  /** No further try for a blob's first byte begins later than this after its place was got. */
  readonly lastTryMs: number
  /** Short requests at once. */
  readonly requests: number
  /** Blobs at once. */
  readonly transfers: number
  /** How long a refused password is not tried again. */
  readonly refusedPasswordMs: number
  /** Headers of an answer, in bytes. */
  readonly headerBytes: number
}

/** The limits where nothing else is configured. */
export const DEFAULT_LIMITS: UpstreamLimits = {
  connectAddressMs: 5_000,
  connectMs: 15_000,
  shortMs: 10_000,
  callMs: 25_000,
  firstByteMs: 20_000,
  stallMs: 30_000,
  lastTryMs: 10_000,
  requests: 16,
  transfers: 12,
  refusedPasswordMs: 5 * 60_000,
  headerBytes: 64 * 1024,
}
