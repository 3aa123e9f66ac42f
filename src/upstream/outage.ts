/**
 * The outage drill: an upstream that an operator declares down until a time is not asked anything, and every call fails
 * as if it could not be reached, so that he sees what would go on without it. It ends by itself. What is being
 * transferred already is let go on; a transfer that breaks meanwhile does not.
 */
import type { Digest } from '../protocol/digest.ts'
import type { Reference } from '../protocol/name.ts'
import {
  type BlobOptions,
  type CallOptions,
  type Upstream,
  UpstreamError,
  type UpstreamHealth,
} from './upstream.ts'

/** Another upstream, which can be declared down. */
export class DrillableUpstream implements Upstream {
  readonly #upstream: Upstream
  readonly #now: () => number
  #untilMs = 0

  /** @param now milliseconds since the epoch */
  constructor(upstream: Upstream, now: () => number) {
    this.#upstream = upstream
    this.#now = now
  }

  get name(): string {
    return this.#upstream.name
  }

  get host(): string {
    return this.#upstream.host
  }

  get hasCredentials(): boolean {
    return this.#upstream.hasCredentials
  }

  /** Declares it down. @param untilMs milliseconds since the epoch; one that has passed ends the drill */
  declareDown(untilMs: number): void {
    this.#untilMs = untilMs
  }

  /** Until when it is declared down, in milliseconds since the epoch; `undefined`: it is not. */
  get outageUntilMs(): number | undefined {
    return this.#untilMs > this.#now() ? this.#untilMs : undefined
  }

  async resolve(name: string, reference: Reference, options?: CallOptions) {
    return this.#unlessDown().resolve(name, reference, options)
  }

  async manifest(name: string, reference: Reference, options?: CallOptions) {
    return this.#unlessDown().manifest(name, reference, options)
  }

  async stat(name: string, digest: Digest, options?: CallOptions) {
    return this.#unlessDown().stat(name, digest, options)
  }

  async blob(name: string, digest: Digest, options?: BlobOptions) {
    return this.#unlessDown().blob(name, digest, options)
  }

  async tags(name: string, options?: CallOptions) {
    return this.#unlessDown().tags(name, options)
  }

  async referrers(name: string, subject: Digest, options?: CallOptions) {
    return this.#unlessDown().referrers(name, subject, options)
  }

  async isPublic(name: string, options?: CallOptions) {
    return this.#unlessDown().isPublic(name, options)
  }

  health(): UpstreamHealth {
    const health = this.#upstream.health()
    const { outageUntilMs } = this
    return outageUntilMs === undefined ? health : { ...health, isReachable: false, outageUntilMs }
  }

  close(): Promise<void> {
    return this.#upstream.close()
  }

  /** @throws UpstreamError `unreachable` while it is declared down */
  #unlessDown(): Upstream {
    const { outageUntilMs } = this
    if (outageUntilMs === undefined) return this.#upstream
    throw new UpstreamError('unreachable', `${this.name} is ${describeOutage(outageUntilMs)}`)
  }
}

/** What a drill is, for people. */
export const describeOutage = (untilMs: number): string =>
  `declared down by an operator until ${new Date(untilMs).toISOString()}`
