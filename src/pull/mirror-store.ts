/**
 * Keeping what an upstream gave: manifests, tags and blobs of mirrored repositories, with the mark that they are mirrored.
 * A store that cannot be written never fails a pull: what could not be kept is logged and fetched again.
 */

import type { Coordinator } from '../coordinator/coordinator.ts'
import type { FetchedBlob } from '../fetch/plan.ts'
import { Memory } from '../memory.ts'
import type { Logger } from '../observe/log.ts'
import { algorithmOf, type Digest, digestOf } from '../protocol/digest.ts'
import {
  blobsOf,
  type Descriptor,
  isForeignLayer,
  type Manifest,
  parseManifest,
} from '../protocol/manifest.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'
import type { Mirrored } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { StorageError } from '../store/driver.ts'
import type { Leases } from '../store/leases.ts'
import type { LinkStore } from '../store/links.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { MarkStore } from '../store/marks.ts'
import type { MirroredSize } from '../store/mirrored-size.ts'
import type { UseStore } from '../store/uses.ts'
import type { FetchedManifest } from '../upstream/upstream.ts'

/** Tags whose manifest is not there yet, kept in memory. */
const MAX_AWAITED = 10_000

/** What keeping works with. */
export interface MirrorStoreOptions {
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly manifests: ManifestStore
  readonly marks: MarkStore
  readonly leases: Leases
  readonly uses: UseStore
  readonly mirroredSize: MirroredSize
  readonly coordinator: Coordinator
  readonly log: Logger
  readonly now: () => number
}

/** What a manifest names, or `undefined` for a document that only its clients understand. */
export const tryParseManifest = (bytes: Uint8Array): Manifest | undefined => {
  try {
    return parseManifest(bytes)
  } catch {
    return undefined
  }
}

/** Stores mirrored content. */
export class MirrorStore {
  readonly #options: MirrorStoreOptions
  /** `name@digest` → tags that point there as soon as the manifest has come. */
  readonly #awaited = new Memory<string, Set<Tag>>(MAX_AWAITED)

  readonly #underWay = new Set<Promise<void>>()

  constructor(options: MirrorStoreOptions) {
    this.#options = options
  }

  /**
   * Keeps a verified manifest, and the tag it was asked by; both can be read at once, and are written off the client's
   * path. Tags that waited for it move. Those of its blobs that the store holds already are confirmed and linked.
   */
  keepManifest(repository: Mirrored, manifest: FetchedManifest, tag?: Tag): void {
    const { leases, links, manifests } = this.#options
    const { name } = repository
    const key = `${name}@${manifest.digest}`
    const tags = new Set([...(this.#awaited.get(key) ?? []), ...(tag === undefined ? [] : [tag])])
    this.#awaited.delete(key)
    manifests.show(name, manifest)
    for (const each of tags) links.showTag(name, each, manifest.digest)
    this.#keep(name, async () => {
      // First of all, since it counts in memory at once: from now on these tags are fresh.
      await Promise.all([...tags].map((each) => this.#writeAsked(name, each, manifest.digest)))
      await this.#mark(repository)
      const stored = digestOf(manifest.bytes)
      await leases.during([stored], () =>
        this.#counting(repository, stored, manifest.bytes.length, () => manifests.put(name, manifest)),
      )
      for (const each of tags) await links.writeTag(name, each, manifest.digest)
      await this.#confirmBlobs(repository, manifest)
    })
  }

  /** Notes what the upstream said that a tag points at; the tag moves when that manifest is here. */
  async noteTag(repository: Mirrored, tag: Tag, digest: Digest): Promise<void> {
    const { links, manifests } = this.#options
    const { name } = repository
    // One that cannot be read is fetched, and written anew.
    if ((await manifests.find(name, digest).catch(() => undefined)) === undefined) {
      const key = `${name}@${digest}`
      this.#awaited.set(key, (this.#awaited.get(key) ?? new Set<Tag>()).add(tag))
      return
    }
    const isMoved = (await links.readTag(name, tag)) !== digest
    links.showTag(name, tag, digest)
    this.#keep(name, async () => {
      await this.#writeAsked(name, tag, digest)
      if (isMoved) await links.writeTag(name, tag, digest)
    })
  }

  /** Takes over a fetched blob, and lets the repository have it. @throws StorageError */
  async keepBlob(
    repository: Mirrored,
    digest: Digest,
    { file, sizeBytes, stored }: FetchedBlob,
  ): Promise<void> {
    const { blobs, leases } = this.#options
    await leases.during([stored], async () => {
      await this.#counting(repository, stored, sizeBytes, () => blobs.adopt(file, stored))
      await this.#linkBlob(repository, digest, stored)
    })
  }

  /** Lets a repository have a blob whose bytes are stored and which its upstream has confirmed. */
  linkLater(repository: Mirrored, digest: Digest): void {
    const { leases } = this.#options
    this.#keep(repository.name, () =>
      leases.during([digest], () => this.#linkBlob(repository, digest, digest)),
    )
  }

  /** Runs what stores bytes, and notes whose they are if they were not here before. */
  async #counting(
    { origin }: Mirrored,
    stored: Digest,
    sizeBytes: number,
    store: () => Promise<void>,
  ): Promise<void> {
    const { blobs, mirroredSize, uses } = this.#options
    const upstream = origin.upstream.name
    const isNew = (await blobs.stat(stored)) === undefined
    await (isNew ? mirroredSize.during(stored, upstream, sizeBytes, store) : store())
    uses.note(stored, isNew ? { upstream } : {})
  }

  async #linkBlob(repository: Mirrored, digest: Digest, stored: Digest): Promise<void> {
    await this.#mark(repository)
    const { links, marks } = this.#options
    await links.linkBlob(repository.name, digest, stored)
    if (repository.kind === 'unclaimed') await marks.confirm(repository.name, digest)
  }

  /** Resolves when everything given so far is kept. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #writeAsked(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    await this.#options.marks.writeAsked(name, tag, { digest, atMs: this.#options.now() })
  }

  async #confirmBlobs(repository: Mirrored, manifest: FetchedManifest): Promise<void> {
    const parsed = tryParseManifest(manifest.bytes)
    for (const descriptor of parsed === undefined ? [] : blobsOf(parsed))
      await this.#confirmBlob(repository, descriptor)
  }

  async #confirmBlob(repository: Mirrored, descriptor: Descriptor): Promise<void> {
    const { links, blobs } = this.#options
    const { digest } = descriptor
    if (algorithmOf(digest) !== 'sha256' || isForeignLayer(descriptor)) return
    if ((await links.findBlob(repository.name, digest)) !== undefined) return
    if ((await blobs.stat(digest)) === undefined) return
    const { upstream, name } = repository.origin
    if ((await upstream.stat(name, digest, { priority: 'prefetch' })) !== undefined)
      await this.#linkBlob(repository, digest, digest)
  }

  /** An unclaimed repository stays so: part of it may be somebody's only copy. */
  async #mark({ kind, name, origin }: Mirrored): Promise<void> {
    const { marks, coordinator } = this.#options
    if (kind === 'unclaimed' || (await marks.read(name)) !== undefined) return
    // A push may be about to make the repository local.
    await coordinator.exclusive(`mark ${name}`, async () => {
      if ((await marks.read(name)) === undefined)
        await marks.write(name, { kind: 'mirrored', upstream: origin.upstream.host })
    })
  }

  /** Keeping is nobody's to wait for, and its failure nobody's to suffer. */
  #keep(name: RepositoryName, work: () => Promise<void>): void {
    const kept = work().catch((error: unknown) => {
      const level = error instanceof StorageError ? 'error' : 'debug'
      this.#options.log[level](
        { err: error, repository: name },
        'mirrored content not kept: it is fetched again',
      )
    })
    this.#underWay.add(kept)
    void kept.then(() => this.#underWay.delete(kept))
  }
}
