/**
 * Manifests by repository and digest: bytes from the blobs, visibility from the links, both in memory once read. What is
 * read from disk is hashed first, since a manifest is small and everything else hangs on it.
 */
import { LRUCache } from 'lru-cache'
import { algorithmOf, type Digest, digestOf } from '../protocol/digest.ts'
import { mediaTypeOf } from '../protocol/manifest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { BlobStore } from './blobs.ts'
import type { LinkStore } from './links.ts'
import type { ReferrerStore } from './referrers.ts'

/** Manifests kept in memory, in bytes in all. */
const MEMORY_BYTES = 64 * 1024 * 1024
/** How long one is believed to be still there without looking, in milliseconds: another process may delete it. */
const KNOWN_FOR_MS = 10_000

/** A manifest as it is stored: its bytes as they came. */
export interface StoredManifest {
  /** The digest it was asked for or pushed with. */
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Buffer
}

const keyOf = (name: RepositoryName, digest: Digest): string => `${name}@${digest}`

/** The manifests of all repositories. */
export class ManifestStore {
  readonly #blobs: BlobStore
  readonly #links: LinkStore
  readonly #referrers: ReferrerStore
  readonly #known = new LRUCache<string, StoredManifest>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length + 512,
    ttl: KNOWN_FOR_MS,
  })
  /** Counts what was removed: what was read meanwhile is not to be believed any longer. */
  #removals = 0

  constructor(blobs: BlobStore, links: LinkStore, referrers: ReferrerStore) {
    this.#blobs = blobs
    this.#links = links
    this.#referrers = referrers
  }

  /** A manifest that a repository has, or `undefined`: no link, no bytes, or bytes that are not of that digest. */
  async find(name: RepositoryName, digest: Digest): Promise<StoredManifest | undefined> {
    const known = this.#known.get(keyOf(name, digest))
    if (known !== undefined) return known
    const removals = this.#removals
    const stored = await this.#links.findManifest(name, digest)
    const bytes = stored === undefined ? undefined : await this.#blobs.read(stored)
    if (stored === undefined || bytes === undefined) return undefined
    if (digestOf(bytes, algorithmOf(digest)) !== digest) {
      this.#blobs.suspect(stored)
      return undefined
    }
    const manifest = { digest, mediaType: mediaTypeOf(bytes), bytes }
    if (removals === this.#removals) this.#known.set(keyOf(name, digest), manifest)
    return manifest
  }

  /** Lets reads find a verified manifest at once, in memory, while {@link put} is still under way. */
  show(name: RepositoryName, manifest: StoredManifest): void {
    this.#known.set(keyOf(name, manifest.digest), manifest)
  }

  /** Stores verified bytes and lets the repository have them under `digest`. Durable when it resolves. */
  async put(name: RepositoryName, manifest: StoredManifest): Promise<void> {
    const { digest, bytes } = manifest
    const stored = algorithmOf(digest) === 'sha256' ? digest : digestOf(bytes)
    const links = await Promise.all(
      [...new Set([digest, stored])].map(async (link) => ({
        link,
        isNew: (await this.#links.findManifest(name, link)) === undefined,
      })),
    )
    await this.#blobs.write(stored, bytes)
    await this.#referrers.add(name, digest, bytes)
    await this.#links.linkManifest(name, digest, stored)
    await this.#referrers.note(
      name,
      1,
      links.filter(({ isNew }) => isNew).map(({ link }) => link),
    )
    this.#known.set(keyOf(name, digest), manifest)
  }

  /** Takes a manifest from a repository, under this name of it; tags are the caller's. */
  async remove(name: RepositoryName, digest: Digest): Promise<void> {
    const manifest = await this.find(name, digest)
    this.#known.delete(keyOf(name, digest))
    await this.#links.unlinkManifest(name, digest)
    this.#removals += 1
    this.#known.delete(keyOf(name, digest))
    await this.#referrers.note(name, -1, [digest])
    if (manifest !== undefined) await this.#referrers.remove(name, digest, manifest.bytes)
  }

  /** Forgets all manifests of a repository, once their links are gone (`LinkStore.clear`). */
  async clear(name: RepositoryName): Promise<void> {
    await this.#referrers.clear(name)
    this.#removals += 1
    for (const key of [...this.#known.keys()]) if (key.startsWith(`${name}@`)) this.#known.delete(key)
  }
}
