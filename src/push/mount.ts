/**
 * Mounts (distribution-spec 1.1, Mounting a blob from another repository): a repository gets a blob that another one has,
 * without an upload. Only what the caller may pull can be mounted, and only where a repository has it: bytes that merely
 * lie in the store open nothing.
 */
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { Repository } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { walkRepositories } from '../store/catalog.ts'
import type { StorageDriver } from '../store/driver.ts'
import type { Leases } from '../store/leases.ts'
import type { LinkStore } from '../store/links.ts'
import type { Claims } from './claim.ts'
import type { PushedBlob } from './upload.ts'

/** Folders that a mount without `from` looks through at most; then an upload begins instead. */
const MAX_FOLDERS = 5_000

/** The repository of that name, if the caller may pull from it. */
export type FindPullable = (name: string) => Promise<Repository | undefined>

/** A blob that was mounted, and from where. */
export interface MountedBlob extends PushedBlob {
  readonly from: RepositoryName
}

/** What mounts work with. */
export interface MountsOptions {
  readonly driver: StorageDriver
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly claims: Claims
  readonly leases: Leases
}

interface Source {
  readonly name: RepositoryName
  readonly stored: Digest
}

/** Mounts blobs. */
export class Mounts {
  readonly #options: MountsOptions

  constructor(options: MountsOptions) {
    this.#options = options
  }

  /**
   * Mounts a blob into a repository.
   * @param from name of the repository that has it; `undefined`: any that the caller may pull from
   * @returns `undefined` where it is not to be had that way, and an upload should begin
   * @throws RegistryError `UNSUPPORTED`, `DENIED` where the repository cannot be pushed to; StorageError
   */
  async mount(
    repository: Repository,
    digest: Digest,
    from: string | undefined,
    findPullable: FindPullable,
  ): Promise<MountedBlob | undefined> {
    const { blobs, claims, leases, links } = this.#options
    await claims.check(repository)
    const { name } = repository
    const source = await (from === undefined
      ? this.#findAnywhere(name, digest, findPullable)
      : this.#findIn(from, digest, findPullable))
    if (source === undefined) return undefined
    return leases.during([source.stored], async () => {
      const sizeBytes = await blobs.stat(source.stored)
      if (sizeBytes === undefined) return undefined
      await leases.renew(source.stored)
      await claims.keep(name)
      await links.linkBlob(name, digest, source.stored)
      return { digest, sizeBytes, from: source.name }
    })
  }

  async #findIn(from: string, digest: Digest, findPullable: FindPullable): Promise<Source | undefined> {
    const repository = await findPullable(from)
    if (repository === undefined) return undefined
    const stored = await this.#options.links.findBlob(repository.name, digest)
    return stored === undefined ? undefined : { name: repository.name, stored }
  }

  async #findAnywhere(
    target: RepositoryName,
    digest: Digest,
    findPullable: FindPullable,
  ): Promise<Source | undefined> {
    const { blobs, driver, links } = this.#options
    for (const name of [target, links.lastLinked(digest)]) {
      const found = name === undefined ? undefined : await this.#findIn(name, digest, findPullable)
      if (found !== undefined) return found
    }
    // Most of what is asked for so is nowhere: that costs one look.
    if (algorithmOf(digest) === 'sha256' && (await blobs.stat(digest)) === undefined) return undefined
    let folders = 0
    for await (const { name } of walkRepositories(driver)) {
      folders += 1
      if (folders > MAX_FOLDERS) return undefined
      if ((await links.findBlob(name, digest)) === undefined) continue
      const found = await this.#findIn(name, digest, findPullable)
      if (found !== undefined) return found
    }
    return undefined
  }
}
