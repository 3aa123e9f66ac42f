/**
 * Pushes of manifests (distribution-spec 1.1, Pushing manifests): read, checked against what the repository has, stored
 * as they came, and tagged. One push or delete at a time changes a repository's tags, so that of two pushers of one tag
 * both are right: each is told what it did, and the later one stays.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import { algorithmOf, type Digest, digestOf } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import type { Reference, RepositoryName, Tag } from '../protocol/name.ts'
import type { Repository } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { Leases } from '../store/leases.ts'
import { type LinkStore, tagsKey } from '../store/links.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { Claims } from './claim.ts'
import { type Conditions, checkConditions, type IsImmutable, immutable } from './precondition.ts'
import { namedBy, type Presence, readPushed, type ValidationRules, validate } from './validation.ts'

/** A manifest on its way in. */
export interface ManifestUpload {
  readonly reference: Reference
  /** Tags besides, for one that is pushed by digest. */
  readonly tags: readonly Tag[]
  readonly bytes: Buffer
  /** The request's `Content-Type`, empty where it has none. */
  readonly contentType: string
  readonly conditions: Conditions
}

/** A manifest that was pushed. */
export interface PushedManifest {
  /** As the client wrote it; sha256 where it was pushed by a tag. */
  readonly digest: Digest
  readonly mediaType: string
  readonly sizeBytes: number
  readonly subject: Digest | undefined
  /** Tags that it has got besides the reference. */
  readonly tags: readonly Tag[]
}

/** What pushes of manifests work with. */
export interface ManifestPushOptions {
  readonly manifests: ManifestStore
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly claims: Claims
  readonly leases: Leases
  readonly coordinator: Coordinator
  readonly validation: ValidationRules
  readonly isImmutable: IsImmutable
}

const digestFor = (reference: Reference, bytes: Buffer): Digest => {
  if (reference.kind === 'tag') return digestOf(bytes)
  const found = digestOf(bytes, algorithmOf(reference.digest))
  if (found === reference.digest) return found
  throw new RegistryError('DIGEST_INVALID', {
    message: 'the manifest does not have the digest that it was pushed by',
    detail: { pushed: reference.digest, found },
  })
}

/** Takes pushes of manifests. */
export class ManifestPush {
  readonly #options: ManifestPushOptions

  constructor(options: ManifestPushOptions) {
    this.#options = options
  }

  /**
   * Stores a manifest. It is there, durably, when this resolves.
   * @throws RegistryError `MANIFEST_INVALID`, `MANIFEST_BLOB_UNKNOWN`, `DIGEST_INVALID`, `DENIED` (the repository cannot
   * be pushed to, or a tag is immutable; with status 412: a condition does not hold), `UNSUPPORTED`; StorageError
   */
  async put(repository: Repository, upload: ManifestUpload): Promise<PushedManifest> {
    const { claims, leases, validation } = this.#options
    const { name } = repository
    const { bytes, reference } = upload
    const digest = digestFor(reference, bytes)
    const manifest = readPushed(bytes, upload.contentType)
    await claims.check(repository)
    const tags = [...new Set([...(reference.kind === 'tag' ? [reference.tag] : []), ...upload.tags])]
    const named = await Promise.all(namedBy(manifest).map((each) => this.#placeOf(name, each)))
    await leases.during([digestOf(bytes), ...named], async () => {
      await validate(manifest, this.#presenceIn(name), validation)
      await claims.keep(name)
      await this.#store(name, upload, tags, { digest, mediaType: manifest.mediaType, bytes })
    })
    return {
      digest,
      mediaType: manifest.mediaType,
      sizeBytes: bytes.length,
      subject: manifest.subject?.digest,
      tags: upload.tags,
    }
  }

  async #store(
    name: RepositoryName,
    { conditions, reference }: ManifestUpload,
    tags: readonly Tag[],
    manifest: { digest: Digest; mediaType: string; bytes: Buffer },
  ): Promise<void> {
    const { coordinator, links, manifests } = this.#options
    await coordinator.exclusive(tagsKey(name), async () => {
      checkConditions(conditions, name, reference, await this.#current(name, reference))
      for (const tag of tags) await this.#requireMovable(name, tag, manifest.digest)
      await manifests.put(name, manifest)
      for (const tag of tags) await links.writeTag(name, tag, manifest.digest)
    })
  }

  /** What a reference stands for now; a tag whose manifest is gone stands for nothing. */
  async #current(name: RepositoryName, reference: Reference): Promise<Digest | undefined> {
    const { links } = this.#options
    const digest = reference.kind === 'tag' ? await links.readTag(name, reference.tag) : reference.digest
    if (digest === undefined) return undefined
    return (await links.findManifest(name, digest)) === undefined ? undefined : digest
  }

  async #requireMovable(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    if (!this.#options.isImmutable(name, tag)) return
    const current = await this.#current(name, { kind: 'tag', tag })
    if (current !== undefined && current !== digest) throw immutable(name, tag)
  }

  /** Where the bytes of a blob or manifest lie that may have been pushed under another name. */
  async #placeOf(name: RepositoryName, digest: Digest): Promise<Digest> {
    const { links } = this.#options
    if (algorithmOf(digest) === 'sha256') return digest
    return (await links.findBlob(name, digest)) ?? (await links.findManifest(name, digest)) ?? digest
  }

  #presenceIn(name: RepositoryName): Presence {
    const { blobs, links } = this.#options
    const isStored = async (stored: Digest | undefined): Promise<boolean> =>
      stored !== undefined && (await blobs.stat(stored)) !== undefined
    return {
      hasBlob: async (digest) => isStored(await links.findBlob(name, digest)),
      hasManifest: async (digest) => isStored(await links.findManifest(name, digest)),
    }
  }
}
