/** Refresh: an upstream is asked now what a tag points at. */
import { RegistryError } from '../protocol/error.ts'
import { formatImage, type RepositoryName, type Tag } from '../protocol/name.ts'
import type { ManifestPull } from '../pull/manifest.ts'
import type { Repositories } from '../repository.ts'
import type { LinkStore } from '../store/links.ts'

/** What is asked with. */
export interface RefreshOptions {
  readonly repositories: Pick<Repositories, 'resolve'>
  readonly links: Pick<LinkStore, 'readTag'>
  readonly manifests: Pick<ManifestPull, 'refresh'>
}

/**
 * Asks, and keeps what the upstream says.
 * @throws RegistryError `DENIED` with 409 for what is local; else as for a pull of the tag
 */
export const refreshTag = async (
  { repositories, links, manifests }: RefreshOptions,
  name: RepositoryName,
  tag: Tag,
) => {
  const repository = await repositories.resolve(name, undefined, undefined)
  if (repository.kind === 'local')
    throw new RegistryError('DENIED', {
      status: 409,
      message: `${formatImage(name, { kind: 'tag', tag })} is local: there is no upstream to ask`,
    })
  const previous = await links.readTag(repository.name, tag)
  const digest = await manifests.refresh(repository, tag)
  return {
    digest: digest as string,
    previousDigest: previous as string | undefined,
    isChanged: digest !== previous,
  }
}
