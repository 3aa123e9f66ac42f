/**
 * A distribution registry as an upstream (distribution-spec 1.1): which requests each question of the port is, and what
 * their answers mean.
 */
import type { Digest } from '../protocol/digest.ts'
import type { Reference } from '../protocol/name.ts'
import type { Asks } from './asks.ts'
import type { Blobs } from './blobs.ts'
import { shareDeadline } from './call.ts'
import { Finding } from './finding.ts'
import type { Health } from './health.ts'
import { type RawDescriptor, readReferrers, readTags } from './lists.ts'
import { readManifest, readManifestStat } from './manifests.ts'
import type { Requester } from './requester.ts'
import {
  type BlobBody,
  type BlobOptions,
  type CallOptions,
  type FetchedManifest,
  type ManifestStat,
  type Upstream,
  UpstreamError,
  type UpstreamHealth,
} from './upstream.ts'

/** What a registry works with. */
export interface RegistryParts {
  readonly name: string
  readonly host: string
  readonly hasCredentials: boolean
  readonly asks: Asks
  readonly requester: Requester
  readonly blobs: Blobs
  readonly health: Health
  /** Time of a call where the caller does not say, in milliseconds. */
  readonly callMs: number
  /** Told of a manifest whose bytes were wrong. */
  readonly onCorrupt: () => void
  /** Milliseconds, for what is believed for a while. */
  readonly now: () => number
  readonly report: () => UpstreamHealth
  readonly close: () => Promise<void>
}

/** The port, for a registry that speaks the distribution specification. */
export class Registry implements Upstream {
  readonly name: string
  readonly host: string
  readonly hasCredentials: boolean
  readonly #parts: RegistryParts
  readonly #headIsUseless: Finding

  constructor(parts: RegistryParts) {
    this.#parts = parts
    this.#headIsUseless = new Finding(parts.now)
    this.name = parts.name
    this.host = parts.host
    this.hasCredentials = parts.hasCredentials
  }

  async resolve(name: string, reference: Reference, options: CallOptions = {}): Promise<ManifestStat> {
    const share = shareDeadline(options, this.#parts.callMs)
    if (!this.#headIsUseless.holds) {
      const stat = await this.#head(name, reference, share())
      if (stat !== undefined) return stat
      this.#headIsUseless.note()
    }
    const { digest, mediaType, bytes } = await this.manifest(name, reference, share())
    return { digest, mediaType, sizeBytes: bytes.length }
  }

  async manifest(name: string, reference: Reference, options: CallOptions = {}): Promise<FetchedManifest> {
    const { asks, requester, onCorrupt } = this.#parts
    const ask = asks.manifest('GET', name, reference)
    return await this.#noting(options, async () => {
      const reply = await requester.ask(ask, options)
      try {
        return readManifest(reply, reference, ask.what)
      } catch (error) {
        if (error instanceof UpstreamError && error.kind === 'corrupt') onCorrupt()
        throw error
      }
    })
  }

  async stat(name: string, digest: Digest, options: CallOptions = {}) {
    return await this.#noting(options, () => this.#parts.blobs.stat(name, digest, options))
  }

  async blob(name: string, digest: Digest, options: BlobOptions = {}): Promise<BlobBody> {
    return await this.#noting(options, () => this.#parts.blobs.open(name, digest, options))
  }

  async tags(name: string, options: CallOptions = {}): Promise<string[]> {
    return await this.#noting(options, () => readTags(this.#listTools(options), name))
  }

  async referrers(name: string, subject: Digest, options: CallOptions = {}): Promise<RawDescriptor[]> {
    return await this.#noting(options, () => readReferrers(this.#listTools(options), name, subject))
  }

  async isPublic(name: string, options: CallOptions = {}): Promise<boolean> {
    const ask = { ...this.#parts.asks.tags(name, 1), isAnonymous: true, isHeadEnough: true }
    try {
      await this.#noting(options, () => this.#parts.requester.ask(ask, options))
      return true
    } catch (error) {
      if (error instanceof UpstreamError && error.kind === 'absent') return false
      throw error
    }
  }

  health(): UpstreamHealth {
    return this.#parts.report()
  }

  async close(): Promise<void> {
    await this.#parts.close()
  }

  /** What a `HEAD` tells; `undefined` where this upstream's are of no use. */
  async #head(name: string, reference: Reference, options: CallOptions): Promise<ManifestStat | undefined> {
    const ask = this.#parts.asks.manifest('HEAD', name, reference)
    try {
      return await this.#noting(options, async () =>
        readManifestStat(await this.#parts.requester.ask(ask, options), reference),
      )
    } catch (error) {
      if (error instanceof UpstreamError && error.status === 405) return undefined
      throw error
    }
  }

  #listTools(options: CallOptions) {
    const { asks, requester, callMs } = this.#parts
    return { asks, requester, share: shareDeadline(options, callMs) }
  }

  /** Keeps the last failure for those who ask how the upstream is. */
  async #noting<T>({ signal }: CallOptions, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      // What its caller has ended is no failure of the upstream.
      if (error instanceof UpstreamError && error !== signal?.reason) this.#parts.health.noteError(error)
      throw error
    }
  }
}
