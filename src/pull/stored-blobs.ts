/**
 * Stored blobs as clients are given them. What can be had again is not given where it cannot be opened, or has another size
 * than its manifest says, and goes on with the upstream's bytes where it breaks off; what is suspect is looked at (`keep/suspects`).
 */
import type { Flights } from '../fetch/flights.ts'
import { Memory } from '../memory.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import type { Repository } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { StorageError } from '../store/driver.ts'
import type { StoredBlob } from '../store/stored-blob.ts'
import { MendedBlob, type OpenRest } from './mended-blob.ts'
import type { Mending } from './mending.ts'
import type { OpenBlob } from './open-blob.ts'
import type { Prefetch } from './prefetch.ts'

/** Blobs remembered as right though a manifest says another size, and for how long, in milliseconds. */
const MAX_VERIFIED = 10_000
const VERIFIED_FOR_MS = 60 * 60 * 1000

/** What they are opened with. */
export interface StoredBlobsOptions {
  readonly blobs: BlobStore
  readonly flights: Pick<Flights, 'openRest'>
  readonly prefetch: Pick<Prefetch, 'sizeOf'>
  readonly mending: Mending
  readonly metrics: Metrics
  readonly log: Logger
}

/** Opens them. */
export class StoredBlobs {
  readonly #options: StoredBlobsOptions
  readonly #verified = new Memory<Digest, true>(MAX_VERIFIED, { ttl: VERIFIED_FOR_MS })

  constructor(options: StoredBlobsOptions) {
    this.#options = options
  }

  /**
   * Opens a blob; the caller closes it.
   * @param stored the sha256 digest under which it lies
   * @returns `undefined` where it is not there, or not what it was
   * @throws StorageError for one of a local repository
   */
  async open(repository: Repository, digest: Digest, stored: Digest): Promise<OpenBlob | undefined> {
    const blob = await this.#openFile(repository, stored)
    // What is in memory was verified.
    if (blob === undefined || blob.bytes !== undefined) return blob
    if (repository.kind !== 'local' && !(await this.#isWhole(digest, blob))) {
      await blob.close()
      return undefined
    }
    return new MendedBlob(digest, blob, {
      onBroken: (error) => this.#onBroken(stored, error),
      openRest: this.#restOf(repository, digest, blob.sizeBytes),
    })
  }

  async #openFile({ kind }: Repository, stored: Digest): Promise<StoredBlob | undefined> {
    try {
      return await this.#options.blobs.open(stored)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#onBroken(stored, error)
      if (kind === 'local') throw error
      return undefined
    }
  }

  /** Only where a manifest says another size, the bytes are looked at: it may be the manifest that is wrong. */
  async #isWhole(digest: Digest, { digest: stored, sizeBytes }: StoredBlob): Promise<boolean> {
    const { prefetch, mending } = this.#options
    const expected = prefetch.sizeOf(digest)
    if (expected === undefined || expected === sizeBytes || this.#verified.has(stored)) return true
    const isRight = await mending.isRight(stored)
    if (isRight) this.#verified.set(stored, true)
    return isRight
  }

  #restOf(repository: Repository, digest: Digest, sizeBytes: number): OpenRest {
    if (repository.kind === 'local') return undefined
    const { upstream, name } = repository.origin
    return (position, hash) => {
      this.#options.metrics.mendedReads.inc()
      return this.#options.flights.openRest({ digest, upstream, name }, position, sizeBytes, hash)
    }
  }

  #onBroken(stored: Digest, error: unknown): void {
    this.#options.log.warn({ err: error, digest: stored }, 'stored blob cannot be read as it was')
    // Too many open files, and whatever else fails, says nothing of these bytes.
    if (!(error instanceof StorageError) || error.kind === 'damaged') this.#options.blobs.suspect(stored)
  }
}
