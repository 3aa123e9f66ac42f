/** Which bytes repositories need, whatever is planned for one of them: for who must not take what somebody else has. */

import { digestsOf, type NamedParts, placeOf, readManifest } from '../keep/named.ts'
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import type { Repositories } from '../repository.ts'

/** Where it is looked up. */
export interface NeedParts extends NamedParts {
  readonly repositories: Pick<Repositories, 'classify'>
}

/**
 * All bytes that a repository needs, each once or more: what it links, and what manifests name that are not to be had again.
 * @throws StorageError: then nothing is known
 */
export async function* needsOf(parts: NeedParts, name: RepositoryName): AsyncGenerator<Digest, void, void> {
  const { links, repositories } = parts
  const kind = isRepositoryName(name) ? (await repositories.classify(name)).kind : 'unclaimed'
  for (const digest of await links.listBlobs(name)) {
    const stored = algorithmOf(digest) === 'sha256' ? digest : await links.findBlob(name, digest)
    if (stored !== undefined) yield stored
  }
  for (const digest of await links.listManifests(name)) {
    const stored = await placeOf(links, name, digest)
    if (stored === undefined) continue
    yield stored
    const manifest = kind === 'mirrored' ? undefined : await readManifest(parts, stored)
    if (typeof manifest === 'object') yield* digestsOf(manifest)
  }
  if (kind !== 'mirrored') yield* links.walkForeign(name)
}
