/**
 * Which repositories have a blob or manifest: those that can have it again from an upstream, and those that cannot. Looks
 * through all of them, for the rare case that somebody must know.
 */
import { type Digest, isDigest } from '../protocol/digest.ts'
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import type { Mirrored, Repositories } from '../repository.ts'
import type { StorageDriver } from '../store/driver.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import type { LinkStore } from '../store/links.ts'
import type { MarkStore } from '../store/marks.ts'

/** Where it is looked up. */
export interface HolderParts {
  readonly driver: StorageDriver
  readonly links: LinkStore
  readonly marks: Pick<MarkStore, 'listConfirmed'>
  readonly repositories: Pick<Repositories, 'classify' | 'resolve'>
}

/** A repository that has it, and as what. */
export interface Holder {
  readonly name: RepositoryName
  readonly isManifest: boolean
}

/** All that have it. */
export interface Holders {
  /** From whose upstream it can be had again. */
  readonly mirrored: readonly Holder[]
  /** For which this may be the only copy. */
  readonly local: readonly Holder[]
}

const hasForeign = async (links: LinkStore, name: RepositoryName, stored: Digest): Promise<boolean> => {
  for await (const each of links.walkForeign(name)) if (each === stored) return true
  return false
}

/** As what a repository has it, whoever it is. */
const findHolder = async (
  { links }: HolderParts,
  name: RepositoryName,
  stored: Digest,
): Promise<Holder | undefined> => {
  if ((await links.findManifest(name, stored)) !== undefined) return { name, isManifest: true }
  if ((await links.findBlob(name, stored)) !== undefined) return { name, isManifest: false }
  return undefined
}

/**
 * Finds them.
 * @param stored the sha256 digest under which the bytes lie
 * @throws StorageError where a link cannot be read: then nothing is known; the signal's reason
 */
export const findHolders = async (
  parts: HolderParts,
  stored: Digest,
  signal?: AbortSignal,
): Promise<Holders> => {
  const holders = { mirrored: [] as Holder[], local: [] as Holder[] }
  for await (const name of walkLinkedFolders(parts.driver)) {
    signal?.throwIfAborted()
    const kind = isRepositoryName(name) ? (await parts.repositories.classify(name)).kind : 'unclaimed'
    const holder = await findHolder(parts, name, stored)
    if (kind === 'mirrored') {
      if (holder !== undefined) holders.mirrored.push(holder)
    } else if (holder !== undefined) {
      const isConfirmed = kind === 'unclaimed' && (await parts.marks.listConfirmed(name)).has(stored)
      holders[isConfirmed ? 'mirrored' : 'local'].push(holder)
    } else if (await hasForeign(parts.links, name, stored)) holders.local.push({ name, isManifest: false })
  }
  return holders
}

/** The repository of that stored name, where an upstream of today has it. */
export const toMirrored = async (
  { repositories }: Pick<HolderParts, 'repositories'>,
  name: RepositoryName,
): Promise<Mirrored | undefined> => {
  try {
    const repository = await repositories.resolve(name, undefined, undefined)
    return repository.kind === 'local' ? undefined : repository
  } catch {
    // A rule or a changed configuration: nobody may ask there any more.
    return undefined
  }
}

/** The digests of a folder of `<hex>`. */
export const digestsOfHexes = (hexes: readonly string[]): Digest[] =>
  hexes.map((hex) => `sha256:${hex}`).filter(isDigest)
