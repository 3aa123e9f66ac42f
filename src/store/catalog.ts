/**
 * All repositories of the store, in the order of a catalog: component by component, so that `/` comes before every other
 * byte. Folders are read on the way and no earlier, so a page costs what is on it and not what the store holds.
 */

import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import { compareNames } from '../protocol/page.ts'
import type { StorageDriver } from './driver.ts'
import { REPOSITORIES_PREFIX } from './paths.ts'

/** A folder of the store that may be a repository. */
export interface RepositoryFolder {
  readonly name: RepositoryName
  /** Whether it has (or had) manifests, and so is one. */
  readonly hasManifests: boolean
  /** Whether unfinished pushes of docker-registry lie in it. */
  readonly hasForeignUploads: boolean
}

/**
 * Walks all folders below the repositories.
 * @param after a name, which need not exist: the walk begins strictly after it
 */
export async function* walkRepositories(
  driver: StorageDriver,
  after = '',
): AsyncGenerator<RepositoryFolder, void, void> {
  yield* walkBelow(driver, '', after)
}

async function* walkBelow(
  driver: StorageDriver,
  parent: string,
  after: string,
): AsyncGenerator<RepositoryFolder, void, void> {
  const entries = await driver.list(parent === '' ? REPOSITORIES_PREFIX : `${REPOSITORIES_PREFIX}/${parent}`)
  if (isRepositoryName(parent) && compareNames(parent, after) > 0)
    yield {
      name: parent,
      hasManifests: entries.includes('_manifests'),
      hasForeignUploads: entries.includes('_uploads'),
    }
  for (const entry of entries) {
    const name = parent === '' ? entry : `${parent}/${entry}`
    const isPast = compareNames(name, after) >= 0 || after.startsWith(`${name}/`)
    if (!entry.startsWith('_') && isPast && isRepositoryName(name)) yield* walkBelow(driver, name, after)
  }
}
