/**
 * Reads of blobs (distribution-spec 1.1, Pulling blobs): the store, or one fetch shared by everybody. A blob is given
 * only from a repository that has it: linked there, or confirmed by its upstream. A digest learned elsewhere opens nothing.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Flight } from '../fetch/flight.ts'
import type { Flights } from '../fetch/flights.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Answer } from '../observe/read-meter.ts'
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import type { Mirrored, Repository } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { LinkStore } from '../store/links.ts'
import type { UseStore } from '../store/uses.ts'
import { type Priority, UpstreamError } from '../upstream/upstream.ts'
import { type BlobPlaces, type FoundBlob, isOf } from './blob-places.ts'
import type { Deadlines } from './deadlines.ts'
import { toAnswer } from './failure.ts'
import type { Mending } from './mending.ts'
import type { MirrorStore } from './mirror-store.ts'
import type { OpenBlob, PulledBlob } from './open-blob.ts'
import type { Prefetch } from './prefetch.ts'
import type { StoredBlobs } from './stored-blobs.ts'

/** What reads of blobs work with. */
export interface BlobPullOptions {
  readonly blobs: BlobStore
  readonly places: BlobPlaces
  readonly stored: StoredBlobs
  readonly mending: Mending
  readonly links: LinkStore
  readonly mirror: MirrorStore
  readonly flights: Flights
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly prefetch: Prefetch
  readonly deadlines: Deadlines
  readonly uses: UseStore
}

const unknown = (digest: Digest): RegistryError =>
  new RegistryError('BLOB_UNKNOWN', { message: 'blob unknown to this repository', detail: { digest } })

/** Who asks for a blob. */
export interface BlobClient {
  readonly address: string
  /** Whether it asks for a part of it. */
  readonly wantsPart: boolean
}

/** How a blob is fetched. */
interface Start {
  readonly priority: Priority
  /** Whether the repository is known to have it: another one's fetch may be joined. */
  readonly isConfirmed?: boolean
  readonly sizeBytes?: number
}

interface Started {
  readonly flight: Flight
  readonly isNew: boolean
}

/** Answers reads of blobs. */
export class BlobPull {
  readonly #options: BlobPullOptions

  constructor(options: BlobPullOptions) {
    this.#options = options
  }

  /**
   * Opens a blob; the caller closes it.
   * @throws RegistryError `BLOB_UNKNOWN`, `TOOMANYREQUESTS`, or `UNAVAILABLE` with 502 or 504
   */
  async open(repository: Repository, digest: Digest, client: BlobClient): Promise<PulledBlob> {
    const found = await this.#options.places.find(repository, digest)
    const { linked } = found
    const hit = linked === undefined ? undefined : await this.#openStored(repository, digest, linked)
    if (hit !== undefined) return hit
    if (repository.kind === 'local') return this.#openElsewhere(digest, linked, client)
    return this.#asking(repository, digest, () => this.#openMissing(repository, digest, found, client))
  }

  /** A client was given all of a blob as {@link open} found it. */
  noteGiven(digest: Digest, { blob, answer }: PulledBlob, client: string): void {
    // What is in memory was verified, and what was fetched just now.
    if (answer === 'hit' && blob.bytes === undefined) this.#options.mending.noteGiven(digest, client)
  }

  /** Size in bytes, for a `HEAD`: costs one upstream `HEAD` at most, never a download. */
  async stat(repository: Repository, digest: Digest): Promise<number | undefined> {
    const { places, flights } = this.#options
    const linked = await places.findLeased(repository, digest)
    const sizeBytes = linked && (await places.statStored(repository, linked))
    if (sizeBytes !== undefined) return sizeBytes
    if (repository.kind === 'local') throw unknown(digest)
    const flight = flights.find(digest)
    if (flight?.sizeBytes !== undefined && isOf(flight, repository.origin)) return flight.sizeBytes
    return this.#asking(repository, digest, () => this.#confirm(repository, digest))
  }

  /**
   * Starts to fetch a blob that nobody waits for yet.
   * @returns resolves when it is stored or has failed; `undefined` where it is there, or somebody else has fetched it, or
   * tried to
   */
  async prefetch(repository: Mirrored, digest: Digest): Promise<boolean | undefined> {
    const { links, blobs, flights } = this.#options
    const linked = await links.findBlob(repository.name, digest)
    if ((await blobs.stat(linked ?? digest)) !== undefined) return undefined
    const running = flights.find(digest)
    if (running === undefined) return this.#start(repository, digest, { priority: 'prefetch' })?.flight.ended
    await running.ended
    return undefined
  }

  /**
   * Starts to fetch a blob ahead of its clients, or joins them.
   * @param sizeBytes as a descriptor told it
   * @returns `undefined` where the repository has it
   * @throws UpstreamError
   */
  async fetchAhead(repository: Mirrored, digest: Digest, sizeBytes: number): Promise<Started | undefined> {
    const { places } = this.#options
    const linked = await places.findLinked(repository, digest)
    if (linked !== undefined && (await places.statStored(repository, linked)) !== undefined) return undefined
    let isConfirmed = linked !== undefined
    if (!isConfirmed && (await places.isElsewhere(repository, digest))) {
      await this.#confirm(repository, digest)
      if ((await places.statStored(repository, digest)) !== undefined) return undefined
      isConfirmed = true
    }
    const started = this.#start(repository, digest, { priority: 'prefetch', sizeBytes, isConfirmed })
    return started ?? this.fetchAhead(repository, digest, sizeBytes)
  }

  async #openMissing(
    repository: Mirrored,
    digest: Digest,
    found: FoundBlob,
    client: BlobClient,
  ): Promise<PulledBlob> {
    let isConfirmed = found.linked !== undefined
    if (!isConfirmed && (await this.#options.places.isElsewhere(repository, digest, found))) {
      await this.#confirm(repository, digest)
      const hit = await this.#openStored(repository, digest, digest)
      if (hit !== undefined) return hit
      isConfirmed = true
    }
    const started = this.#start(repository, digest, { priority: 'client', isConfirmed })
    if (started === undefined) return this.open(repository, digest, client)
    const { flight, isNew } = started
    if (client.wantsPart) flight.audience.hurry()
    this.#options.prefetch.noteMiss(repository, digest)
    await flight.audience.wait(flight.answered, client.address)
    const reader = flight.open(client.address)
    // It has ended since: the store has the blob, or another fetch goes on where this one failed.
    if (reader === undefined) return this.open(repository, digest, client)
    const answer = flight.isUncached ? 'uncached' : isNew ? 'miss' : 'joined'
    return this.#answered(repository, answer, reader, flight)
  }

  /** What a local repository has, and of which the bytes are gone: from an upstream that happens to have it as well. */
  async #openElsewhere(digest: Digest, linked: Digest | undefined, client: BlobClient): Promise<PulledBlob> {
    const elsewhere = linked && (await this.#options.mending.findElsewhere(linked))
    if (linked === undefined || elsewhere === undefined) throw unknown(digest)
    return this.#asking(elsewhere, linked, () => this.#openMissing(elsewhere, linked, { linked }, client))
  }

  /**
   * Starts a fetch, or joins it.
   * @returns `undefined` where another repository's began just now, and this one's upstream was not asked: look again
   */
  #start(repository: Mirrored, digest: Digest, how: Start): Started | undefined {
    const { flights, mirror } = this.#options
    const { priority, isConfirmed = false, sizeBytes = this.#options.prefetch.sizeOf(digest) } = how
    const running = flights.find(digest)
    if (!isConfirmed && running !== undefined && !isOf(running, repository.origin)) return undefined
    const { upstream, name } = repository.origin
    const started = flights.start({
      digest,
      upstream,
      name,
      sizeBytes,
      priority,
      layer: this.#options.prefetch.placeOf(repository, digest),
      store: (blob) => mirror.keepBlob(repository, digest, blob),
    })
    const { flight, isNew } = started
    // Whoever joins another repository's fetch was confirmed: this repository has the blob as well.
    if (!isNew && !isOf(flight, repository.origin))
      void flight.ended.then((isStored) => (isStored ? mirror.linkLater(repository, digest) : undefined))
    return started
  }

  /** Asks the upstream whether the repository has the blob, and links it where its bytes are stored. */
  async #confirm(repository: Mirrored, digest: Digest): Promise<number | undefined> {
    const { upstream, name } = repository.origin
    const found = await this.#options.coordinator.once(`stat ${repository.name}@${digest}`, () =>
      upstream.stat(name, digest),
    )
    if (found === undefined) throw new UpstreamError('absent', `${upstream.name} has no such blob in ${name}`)
    const sizeBytes = await this.#options.places.statStored(repository, digest)
    if (sizeBytes !== undefined) this.#options.mirror.linkLater(repository, digest)
    return sizeBytes ?? found.sizeBytes ?? this.#options.prefetch.sizeOf(digest)
  }

  /** Runs what asks the upstream, with its 404s remembered for a moment and its failures in the client's terms. */
  async #asking<T>({ name }: Mirrored, digest: Digest, work: () => Promise<T>): Promise<T> {
    const { coordinator } = this.#options
    const key = `absent ${name}@${digest} blob`
    if ((await coordinator.recall(key)) !== undefined) throw unknown(digest)
    try {
      return await work()
    } catch (error) {
      if (error instanceof UpstreamError && error.kind === 'absent')
        await coordinator.remember(key, true, this.#options.deadlines.absentForMs)
      throw toAnswer(error, 'blob')
    }
  }

  async #openStored(repository: Repository, digest: Digest, linked: Digest): Promise<PulledBlob | undefined> {
    const blob = await this.#options.stored.open(repository, digest, linked)
    if (blob === undefined) return undefined
    this.#options.uses.note(linked)
    return this.#answered(repository, 'hit', blob)
  }

  #answered(repository: Repository, answer: Answer, blob: OpenBlob, flight?: Flight): PulledBlob {
    const { metrics, flights } = this.#options
    metrics.readMeter.answered('blob', answer, repository.kind !== 'local')
    const openAhead = (first: number, last: number): OpenBlob | undefined =>
      flight === undefined ? undefined : flights.openAhead(flight, first, last)
    return { blob, answer, openAhead }
  }
}
