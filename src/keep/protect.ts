/**
 * What must not be evicted, as a filter that may say yes wrongly and never no: everything that a repository has which is not
 * to be had again from an upstream, and what an operator has pinned. Whatever no repository has is not protected.
 */
import type { Digest } from '../protocol/digest.ts'
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import type { Repositories } from '../repository.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import type { MarkStore } from '../store/marks.ts'
import type { PinStore } from '../store/pins.ts'
import { DigestFilter } from './digest-filter.ts'
import { digestsOf, type NamedParts, placeOf, readManifest } from './named.ts'

/** Where it is looked up. */
export interface ProtectParts extends NamedParts {
  readonly repositories: Pick<Repositories, 'classify'>
  readonly marks: Pick<MarkStore, 'listConfirmed'>
  readonly pins: Pick<PinStore, 'list'>
}

/** Everything that a pinned reference stands for: manifests, children and blobs, as far as they are here. */
export const findPinned = async (parts: ProtectParts, name: RepositoryName): Promise<Set<Digest>> => {
  const found = new Set<Digest>()
  const waiting: Digest[] = []
  for (const pin of await parts.pins.list(name)) {
    const digest = pin.kind === 'digest' ? pin.digest : await parts.links.readTag(name, pin.tag)
    if (digest !== undefined) waiting.push(digest)
  }
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const stored = await placeOf(parts.links, name, digest)
    if (stored === undefined || found.has(stored)) continue
    found.add(stored)
    const manifest = await readManifest(parts, stored)
    if (typeof manifest !== 'object') continue
    const isIndex = manifest.kind === 'index'
    for (const named of digestsOf(manifest))
      if (isIndex) waiting.push(named)
      else found.add((await parts.links.findBlob(name, named)) ?? named)
  }
  return found
}

/** @throws StorageError where a link cannot be read: then nothing may be evicted */
export const filterProtected = async (parts: ProtectParts, signal?: AbortSignal): Promise<DigestFilter> => {
  const filter = new DigestFilter()
  for await (const name of walkLinkedFolders(parts.driver)) {
    signal?.throwIfAborted()
    const kind = isRepositoryName(name) ? (await parts.repositories.classify(name)).kind : 'unclaimed'
    if (kind === 'mirrored') for (const digest of await findPinned(parts, name)) filter.add(digest)
    else await addLinked(filter, parts, name, kind === 'unclaimed')
  }
  return filter
}

const addLinked = async (
  filter: DigestFilter,
  { links, marks }: ProtectParts,
  name: RepositoryName,
  isUnclaimed: boolean,
): Promise<void> => {
  const confirmed = isUnclaimed ? await marks.listConfirmed(name) : new Set<Digest>()
  for (const digest of await links.listBlobs(name)) {
    const stored = digest.startsWith('sha256:') ? digest : await links.findBlob(name, digest)
    if (stored !== undefined && !confirmed.has(digest) && !confirmed.has(stored)) filter.add(stored)
  }
  for (const digest of await links.listManifests(name)) {
    const stored = await placeOf(links, name, digest)
    if (stored !== undefined) filter.add(stored)
  }
  for await (const stored of links.walkForeign(name)) filter.add(stored)
}
