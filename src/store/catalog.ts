/**
 * All repositories of the store, in the order of a catalog: component by component, so that `/` comes before every other
 * byte. Folders are read on the way and no earlier, so a page costs what is on it and not what the store holds.
 */
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import { compareNames } from '../protocol/page.ts'
import { indexOfFirst } from './folder-names.ts'
import { REPOSITORIES_PREFIX } from './paths.ts'

/** Tells what stands in a folder, in byte order: a storage driver, or what keeps the lists of one. */
export interface FolderReader {
  list(prefix: string): Promise<readonly string[]>
}

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
  folders: FolderReader,
  after = '',
): AsyncGenerator<RepositoryFolder, void, void> {
  yield* walkBelow(folders, '', after)
}

async function* walkBelow(
  folders: FolderReader,
  parent: string,
  after: string,
): AsyncGenerator<RepositoryFolder, void, void> {
  const entries = await folders.list(parent === '' ? REPOSITORIES_PREFIX : `${REPOSITORIES_PREFIX}/${parent}`)
  if (isRepositoryName(parent) && compareNames(parent, after) > 0)
    yield {
      name: parent,
      hasManifests: entries.includes('_manifests'),
      hasForeignUploads: entries.includes('_uploads'),
    }
  const nameOf = (entry: string): string => (parent === '' ? entry : `${parent}/${entry}`)
  // Of what stands before `after` only the folder that it is in has anything after it.
  const isPast = (entry: string): boolean =>
    compareNames(nameOf(entry), after) >= 0 || after.startsWith(`${nameOf(entry)}/`)
  for (let i = indexOfFirst(entries, isPast); i < entries.length; i += 1) {
    const name = nameOf(entries[i]!)
    if (!entries[i]!.startsWith('_') && isRepositoryName(name)) yield* walkBelow(folders, name, after)
  }
}
