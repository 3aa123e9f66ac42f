/**
 * Where the bytes of a blob lie, or come from just now, as far as a repository may know. A digest learned elsewhere opens
 * nothing: what is here for another repository is to be confirmed by this one's upstream.
 */
import type { Flight } from '../fetch/flight.ts'
import type { Flights } from '../fetch/flights.ts'
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import type { Mirrored, Origin, Repository } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { StorageError } from '../store/driver.ts'
import type { Leases } from '../store/leases.ts'
import type { LinkStore } from '../store/links.ts'
import type { UseStore } from '../store/uses.ts'

/** What is looked at. */
export interface BlobPlacesOptions {
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly leases: Leases
  readonly uses: UseStore
  readonly flights: Pick<Flights, 'find'>
}

/** What was found of a blob. */
export interface FoundBlob {
  /** Where its bytes lie for this repository; `undefined`: nowhere. */
  readonly linked: Digest | undefined
  /** Whether its bytes lie nowhere at all, and do not come: then its link was not looked for. */
  readonly isNowhere?: boolean
}

/** Whether a download is for this repository. */
export const isOf = (flight: Flight, { upstream, name }: Origin): boolean =>
  flight.plan.upstream === upstream && flight.plan.name === name

/** Looks for blobs. What cannot be read of a mirrored repository is as good as not there; of a local one it is a StorageError. */
export class BlobPlaces {
  readonly #options: BlobPlacesOptions

  constructor(options: BlobPlacesOptions) {
    this.#options = options
  }

  /** Looks for a blob that is to be read. Of one of which nothing is known the bytes come first: most often there are none. */
  async find(repository: Repository, digest: Digest): Promise<FoundBlob> {
    const known = this.#options.links.findKnownBlob(repository.name, digest)
    if (known !== undefined) return { linked: await this.#unlessBroken(repository, known) }
    if (await this.#isNowhere(repository, digest)) return { linked: undefined, isNowhere: true }
    return { linked: await this.findLinked(repository, digest) }
  }

  /** Where a blob lies for a repository. */
  findLinked(repository: Repository, digest: Digest): Promise<Digest | undefined> {
    return this.#unlessBroken(repository, this.#options.links.findBlob(repository.name, digest))
  }

  /** The same; whoever asks for one of a local repository may be about to push a manifest that names it. */
  async findLeased(repository: Repository, digest: Digest): Promise<Digest | undefined> {
    const { name, kind } = repository
    const { links, leases, uses } = this.#options
    const linked = await this.findLinked(repository, digest)
    if (linked === undefined) return undefined
    if (kind !== 'local') {
      uses.note(linked)
      return linked
    }
    await leases.renew(linked)
    // It may have been collected a moment before.
    return links.findBlob(name, digest)
  }

  /** Size in bytes of what lies under a digest, whoever has it. */
  statStored(repository: Repository, digest: Digest): Promise<number | undefined> {
    return this.#unlessBroken(repository, this.#options.blobs.stat(digest))
  }

  /** Whether the bytes of a blob that a repository does not have are here, or come, for another one. */
  async isElsewhere(repository: Mirrored, digest: Digest, { isNowhere = false } = {}): Promise<boolean> {
    const { flights } = this.#options
    const isThere = async () => (await this.statStored(repository, digest)) !== undefined
    if (!isNowhere && flights.find(digest) === undefined && (await isThere())) return true
    const running = flights.find(digest)
    return running !== undefined && !isOf(running, repository.origin)
  }

  /** Whether a blob that can be had again is certainly not here: one that lies under another digest is found by its link alone. */
  async #isNowhere(repository: Repository, digest: Digest): Promise<boolean> {
    const { flights } = this.#options
    if (repository.kind === 'local' || algorithmOf(digest) !== 'sha256') return false
    if (flights.find(digest) !== undefined) return false
    return (await this.statStored(repository, digest)) === undefined && flights.find(digest) === undefined
  }

  async #unlessBroken<T>({ kind }: Repository, found: Promise<T>): Promise<T | undefined> {
    try {
      return await found
    } catch (error) {
      if (kind === 'local' || !(error instanceof StorageError)) throw error
      return undefined
    }
  }
}
