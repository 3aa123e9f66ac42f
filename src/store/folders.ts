/**
 * Every folder of the store that holds links, in no order that matters: for who must overlook none. A name that no client
 * could ask for is given as well, since what it links may still be somebody's.
 */
import type { RepositoryName } from '../protocol/name.ts'
import type { StorageDriver } from './driver.ts'
import { REPOSITORIES_PREFIX } from './paths.ts'

/** The names of all folders with links. @throws StorageError where one cannot be read: then nothing is known */
export async function* walkLinkedFolders(
  driver: StorageDriver,
  parent = '',
): AsyncGenerator<RepositoryName, void, void> {
  const entries = await driver.list(parent === '' ? REPOSITORIES_PREFIX : `${REPOSITORIES_PREFIX}/${parent}`)
  if (parent !== '' && (entries.includes('_layers') || entries.includes('_manifests')))
    yield parent as RepositoryName
  for (const entry of entries)
    if (!entry.startsWith('_')) yield* walkLinkedFolders(driver, parent === '' ? entry : `${parent}/${entry}`)
}
