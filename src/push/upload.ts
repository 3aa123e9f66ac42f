/**
 * Pushes of blobs (distribution-spec 1.1, Pushing blobs): an upload is begun, appended to in order, and closed under its
 * digest, or cancelled. Bytes go straight to a local file; when the answer is 201 the blob is in the store, durably, and
 * its repository has it.
 */
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { algorithmOf, type Digest, type DigestAlgorithm } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { ByteRange } from '../protocol/range.ts'
import type { Repository } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { Leases } from '../store/leases.ts'
import type { LinkStore } from '../store/links.ts'
import { type MakeRoom, withRoom } from '../store/room.ts'
import type { UploadStore } from '../store/uploads.ts'
import type { Claims } from './claim.ts'
import { receiveBody } from './receive.ts'
import { type HeldUpload, UploadSessions } from './sessions.ts'
import type { UploadState } from './upload-state.ts'

/** A part of a blob, or the whole of it, on its way in. */
export interface Chunk {
  readonly body: Readable
  /** Where it says that it belongs; `undefined`: at the end of what is there. */
  readonly range: ByteRange | undefined
}

/** A blob that was pushed or mounted. */
export interface PushedBlob {
  /** As the client wrote it. */
  readonly digest: Digest
  readonly sizeBytes: number
}

/** What came of a chunk. */
export type Appended =
  | { readonly kind: 'appended'; readonly upload: UploadState }
  /** Nothing was written: it does not begin where the upload ends, or another request is writing. */
  | OutOfOrder

/** What came of the closing of an upload. */
export type Finished = { readonly kind: 'finished'; readonly blob: PushedBlob } | OutOfOrder

interface OutOfOrder {
  readonly kind: 'out-of-order'
  readonly upload: UploadState
}

/** What uploads work with. */
export interface UploadsOptions {
  readonly store: UploadStore
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly claims: Claims
  readonly leases: Leases
  readonly log: Logger
  readonly metrics?: Metrics
  /** Asked for room when the disk is full. */
  readonly makeRoom?: MakeRoom | undefined
  /** Milliseconds since the epoch, for the age of uploads. */
  readonly now: () => number
  /** Milliseconds of a clock that only goes forward, for silence of clients. Default: the machine's. */
  readonly monotonicNow?: () => number
}

const unknown = (): RegistryError => new RegistryError('BLOB_UPLOAD_UNKNOWN')

const begins = (chunk: Chunk, { offset }: UploadState, sizeBytes: number): boolean =>
  offset === sizeBytes && (chunk.range === undefined || chunk.range.first === sizeBytes)

const bytesOf = ({ range }: Chunk): number | undefined =>
  range === undefined ? undefined : range.last - range.first + 1

/** Takes pushes of blobs. */
export class Uploads {
  readonly #options: UploadsOptions
  readonly #sessions: UploadSessions

  constructor(options: UploadsOptions) {
    this.#options = options
    this.#sessions = new UploadSessions(options.store, options.monotonicNow ?? (() => performance.now()))
  }

  /**
   * Begins an upload.
   * @param algorithm of the digest, as far as the client has said
   * @throws RegistryError `DENIED`, StorageError
   */
  async start(repository: Repository, algorithm: DigestAlgorithm = 'sha256'): Promise<UploadState> {
    const { claims, makeRoom, store, now } = this.#options
    const { name } = repository
    const state: UploadState = { name, id: randomUUID(), offset: 0, startedAtMs: now() }
    await claims.begin(repository, () =>
      withRoom(makeRoom, 0, () => store.create(state.id, { name, startedAtMs: state.startedAtMs })),
    )
    this.#sessions.begin(state.id, algorithm)
    return state
  }

  /** How far an upload has come. @throws RegistryError `BLOB_UPLOAD_UNKNOWN` */
  async find(state: UploadState): Promise<UploadState> {
    const found = await this.#options.store.find(state.id)
    if (found === undefined) throw unknown()
    return { ...state, offset: this.#sessions.sizeOf(state.id) ?? found.sizeBytes }
  }

  /** Appends a chunk. @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, `SIZE_INVALID`; StorageError */
  async append(state: UploadState, chunk: Chunk): Promise<Appended> {
    const held = await this.#hold(state, chunk, async (upload) => {
      await this.#receive(upload, chunk)
      return upload.file.written
    })
    return held.kind === 'held' ? { kind: 'appended', upload: { ...state, offset: held.outcome } } : held
  }

  /**
   * Appends the last chunk, which may be empty or the whole blob, and closes the upload.
   * @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, `SIZE_INVALID`, `DIGEST_INVALID`; StorageError
   */
  async finish(state: UploadState, chunk: Chunk, digest: Digest): Promise<Finished> {
    const held = await this.#hold(state, chunk, async (upload) => {
      await this.#receive(upload, chunk)
      const stored = await this.#verify(upload, digest)
      if (stored !== undefined) await this.#store(state.name, upload, digest, stored)
      await this.#options.store.drop(state.id)
      return stored === undefined ? undefined : { digest, sizeBytes: upload.file.written }
    })
    if (held.kind === 'out-of-order') return held
    this.#ended(held.outcome === undefined ? 'mismatched' : 'completed')
    if (held.outcome !== undefined) return { kind: 'finished', blob: held.outcome }
    await this.#options.claims.lift(state.name)
    throw new RegistryError('DIGEST_INVALID', { detail: { digest } })
  }

  /** Pushes a whole blob in one request. @throws as {@link start} and {@link finish} */
  async put(repository: Repository, chunk: Chunk, digest: Digest): Promise<PushedBlob> {
    const state = await this.start(repository, algorithmOf(digest))
    try {
      const finished = await this.finish(state, chunk, digest)
      if (finished.kind === 'finished') return finished.blob
      throw unknown()
    } catch (error) {
      // Nobody knows its location: it cannot be gone on with.
      await this.#drop(state.name, state.id).catch(() => {})
      throw error
    }
  }

  /** Throws an upload away. @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, StorageError */
  async cancel(state: UploadState): Promise<void> {
    if ((await this.#options.store.find(state.id)) === undefined) throw unknown()
    await this.#drop(state.name, state.id)
    this.#ended('cancelled')
  }

  /** Throws uploads away that got no bytes for `ageMs`. @returns how many there were, also where nothing was removed */
  async sweep(ageMs: number, isDryRun: boolean): Promise<number> {
    const { store, now, log } = this.#options
    const stale = (await store.listStale(now() - ageMs)).filter(({ id }) => !this.#sessions.isHeld(id))
    for (const { id, name } of stale) {
      log.info({ upload: id, repository: name }, isDryRun ? 'stale upload' : 'stale upload removed')
      if (isDryRun) continue
      await this.#drop(name, id)
      this.#ended('stale')
    }
    return stale.length
  }

  /** Resolves when what has come of bodies so far is on disk, after their connections were closed. */
  settle(): Promise<void> {
    return this.#sessions.settle()
  }

  async #receive(upload: HeldUpload, chunk: Chunk): Promise<void> {
    const { metrics, makeRoom } = this.#options
    const received = metrics?.uploadBytes.series({})
    const onBytes = (bytes: number): void => {
      if (received !== undefined) received.value += bytes
    }
    metrics?.uploadsActive.inc()
    try {
      await receiveBody(upload, chunk.body, { exactBytes: bytesOf(chunk), makeRoom, onBytes })
    } finally {
      metrics?.uploadsActive.dec()
    }
  }

  #ended(outcome: 'completed' | 'mismatched' | 'cancelled' | 'stale'): void {
    this.#options.metrics?.uploads.inc({ outcome })
  }

  async #drop(name: RepositoryName | undefined, id: string): Promise<void> {
    await this.#sessions.drop(id)
    if (name !== undefined) await this.#options.claims.lift(name)
  }

  /** The sha256 digest of what was uploaded, if it is what `digest` says. */
  async #verify({ file, digests }: HeldUpload, digest: Digest): Promise<Digest | undefined> {
    const algorithm = algorithmOf(digest)
    const found = await digests.finish(file, new Set(['sha256', algorithm]))
    return found.get(algorithm) === digest ? found.get('sha256') : undefined
  }

  async #store(name: RepositoryName, { file }: HeldUpload, digest: Digest, stored: Digest): Promise<void> {
    const { blobs, claims, links, leases } = this.#options
    await leases.renew(stored)
    await leases.during([stored], async () => {
      await blobs.adopt(file.path, stored)
      await claims.keep(name)
      await links.linkBlob(name, digest, stored)
    })
  }

  /** Runs `work` alone with an upload, if the chunk begins where the upload ends. */
  async #hold<T>(
    state: UploadState,
    chunk: Chunk,
    work: (upload: HeldUpload) => Promise<T>,
  ): Promise<{ kind: 'held'; outcome: T } | OutOfOrder> {
    const held = await this.#sessions.hold(state.id, async (upload) =>
      begins(chunk, state, upload.file.written)
        ? { kind: 'held' as const, outcome: await work(upload) }
        : { kind: 'misplaced' as const },
    )
    if (held === undefined) throw unknown()
    if (held !== 'busy' && held.kind === 'held') return held
    return { kind: 'out-of-order', upload: await this.find(state) }
  }
}
