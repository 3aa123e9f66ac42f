/**
 * Stored manifests as reads go by them: what cannot be read of a mirrored repository is as good as not there, since its upstream
 * has it, and is fetched and written anew.
 */
import type { Logger } from '../observe/log.ts'
import type { Digest } from '../protocol/digest.ts'
import type { Reference, Tag } from '../protocol/name.ts'
import type { Repository } from '../repository.ts'
import { StorageError } from '../store/driver.ts'
import type { LinkStore } from '../store/links.ts'
import type { ManifestStore, StoredManifest } from '../store/manifests.ts'

/** What they are looked up in. */
export interface StoredManifestsOptions {
  readonly manifests: ManifestStore
  readonly links: LinkStore
  readonly log: Logger
}

/** Looks them up. Of a local repository a store that fails is thrown as a StorageError. */
export class StoredManifests {
  readonly #options: StoredManifestsOptions

  constructor(options: StoredManifestsOptions) {
    this.#options = options
  }

  /** By tag or digest, or `undefined`. */
  async find(repository: Repository, reference: Reference): Promise<StoredManifest | undefined> {
    const digest = reference.kind === 'tag' ? await this.readTag(repository, reference.tag) : reference.digest
    return digest && this.byDigest(repository, digest)
  }

  byDigest(repository: Repository, digest: Digest): Promise<StoredManifest | undefined> {
    return this.#unlessBroken(repository, this.#options.manifests.find(repository.name, digest))
  }

  /** What a tag points at. */
  readTag(repository: Repository, tag: Tag): Promise<Digest | undefined> {
    return this.#unlessBroken(repository, this.#options.links.readTag(repository.name, tag))
  }

  async #unlessBroken<T>({ kind, name }: Repository, found: Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await found
    } catch (error) {
      if (kind === 'local' || !(error instanceof StorageError)) throw error
      this.#options.log.warn(
        { err: error, repository: name },
        'stored manifest cannot be read: asking the upstream',
      )
      return undefined
    }
  }
}
