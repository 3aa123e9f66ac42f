/** Takes from a repository what a purge has planned, see `purge`. Nothing of it need be durable: what comes back is purged again. */
import { inLanes } from '../lanes.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { StorageDriver } from '../store/driver.ts'
import type { LinkStore } from '../store/links.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { MarkStore } from '../store/marks.ts'
import { repositoryFolder } from '../store/paths.ts'
import type { RepositoryPlan } from './purge-select.ts'

/** What it is taken from. */
export interface UnlinkParts {
  readonly driver: StorageDriver
  readonly links: LinkStore
  readonly manifests: ManifestStore
  readonly marks: MarkStore
}

/** Takes away tags, manifests and blobs; the mark that the repository is mirrored stays. @throws StorageError */
export const unlinkPlanned = async (
  { driver, links, manifests, marks }: UnlinkParts,
  name: RepositoryName,
  { graph, isWhole, tags, manifests: goingManifests, blobs }: RepositoryPlan,
): Promise<void> => {
  await inLanes(tags, (tag) => marks.removeAsked(name, tag))
  if (isWhole) {
    await links.clear(name)
    await manifests.clear(name)
  } else {
    for (const tag of tags) await links.removeTag(name, tag)
    for (const stored of goingManifests)
      for (const each of graph.manifests.get(stored)?.names ?? []) await manifests.remove(name, each)
    for (const stored of blobs)
      for (const each of graph.blobs.get(stored)?.names ?? []) await links.unlinkBlob(name, each)
  }
  await driver.prune(repositoryFolder(name))
}
