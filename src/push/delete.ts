/**
 * Deletes of tags, manifests and blobs (distribution-spec 1.1, Content Management). They take what the repository has, at
 * once and for every reader; the bytes go when nobody names them any more. What is mirrored is purged, not deleted.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import { mapInLanes } from '../lanes.ts'
import { type Digest, digestOf } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'
import type { Repository } from '../repository.ts'
import { type LinkStore, tagsKey } from '../store/links.ts'
import type { ManifestStore } from '../store/manifests.ts'
import { type IsImmutable, immutable } from './precondition.ts'

/** What deletes work with. */
export interface DeletesOptions {
  readonly manifests: ManifestStore
  readonly links: LinkStore
  readonly coordinator: Coordinator
  /** `storage.delete.enabled`. */
  readonly isEnabled: boolean
  readonly isImmutable: IsImmutable
}

const unsupported = (message: string): RegistryError =>
  new RegistryError('UNSUPPORTED', { message, headers: { Allow: 'GET, HEAD, PUT' } })

/** Deletes content of local repositories. */
export class Deletes {
  readonly #options: DeletesOptions

  constructor(options: DeletesOptions) {
    this.#options = options
  }

  /** Removes a tag; its manifest stays. @throws RegistryError `UNSUPPORTED`, `MANIFEST_UNKNOWN`, `DENIED` */
  async deleteTag(repository: Repository, tag: Tag): Promise<void> {
    this.#require(repository)
    const { coordinator, links, isImmutable } = this.#options
    const { name } = repository
    await coordinator.exclusive(tagsKey(name), async () => {
      if ((await links.readTag(name, tag)) === undefined)
        throw new RegistryError('MANIFEST_UNKNOWN', { detail: { Tag: tag } })
      if (isImmutable(name, tag)) throw immutable(name, tag)
      await links.removeTag(name, tag)
    })
  }

  /**
   * Removes a manifest, under all its names, and every tag that points at it.
   * @returns the tags that went with it
   * @throws RegistryError `UNSUPPORTED`, `MANIFEST_UNKNOWN`, `DENIED`
   */
  async deleteManifest(repository: Repository, digest: Digest): Promise<Tag[]> {
    this.#require(repository)
    const { coordinator, links, manifests, isImmutable } = this.#options
    const { name } = repository
    return coordinator.exclusive(tagsKey(name), async () => {
      const digests = await this.#manifestNames(name, digest)
      if (digests.length === 0) throw new RegistryError('MANIFEST_UNKNOWN', { detail: { digest } })
      const tags = await this.#tagsOf(name, new Set(digests))
      const lasting = tags.find((tag) => isImmutable(name, tag))
      if (lasting !== undefined) throw immutable(name, lasting)
      for (const tag of tags) await links.removeTag(name, tag)
      for (const each of digests) await manifests.remove(name, each)
      return tags
    })
  }

  /** Takes a blob from a repository, under all its names. @throws RegistryError `UNSUPPORTED`, `BLOB_UNKNOWN` */
  async deleteBlob(repository: Repository, digest: Digest): Promise<void> {
    this.#require(repository)
    const { links } = this.#options
    const { name } = repository
    const stored = await links.findBlob(name, digest)
    if (stored === undefined) throw new RegistryError('BLOB_UNKNOWN', { detail: { digest } })
    const others = await links.listBlobs(name, (algorithm) => algorithm !== 'sha256')
    const same = await only(others, async (each) => (await links.findBlob(name, each)) === stored)
    for (const each of new Set([digest, stored, ...same])) await links.unlinkBlob(name, each)
  }

  #require({ kind, name }: Repository): void {
    if (!this.#options.isEnabled)
      throw unsupported('deletes are switched off: storage.delete.enabled allows them')
    if (kind !== 'local')
      throw unsupported(
        `${name} is not a local repository: what is mirrored is purged; local.repositories makes it local`,
      )
  }

  /** Every digest under which the repository has the same bytes. */
  async #manifestNames(name: RepositoryName, digest: Digest): Promise<Digest[]> {
    const { links, manifests } = this.#options
    const stored = await links.findManifest(name, digest)
    if (stored === undefined) return []
    const found = await manifests.find(name, digest)
    const all = new Set([digest, stored])
    if (found !== undefined) all.add(digestOf(found.bytes, 'sha512'))
    return only([...all], async (each) => (await links.findManifest(name, each)) !== undefined)
  }

  async #tagsOf(name: RepositoryName, digests: ReadonlySet<Digest>): Promise<Tag[]> {
    const { links } = this.#options
    return only(await links.listTags(name), async (tag) => {
      const target = await links.readTag(name, tag)
      return target !== undefined && digests.has(target)
    })
  }
}

/** Those of which `isOne` holds, in order. */
const only = async <T>(items: readonly T[], isOne: (item: T) => Promise<boolean>): Promise<T[]> => {
  const found = await mapInLanes(items, async (item) => ((await isOne(item)) ? true : undefined))
  return [...found.keys()]
}
