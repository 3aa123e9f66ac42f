/**
 * What the manifests of one repository name, gathered manifest by manifest. A manifest that cannot be read or understood
 * may name anything: then nothing of the repository is known to be unneeded.
 */
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import { blobsOf, type Manifest, parseManifest } from '../protocol/manifest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { StorageDriver } from '../store/driver.ts'
import type { LinkStore } from '../store/links.ts'
import { quarantineFolder } from '../store/paths.ts'
import { DigestFilter } from './digest-filter.ts'

/** Size of the set of what one repository names, as of {@link DigestFilter}: 1 MiB. */
const FILTER_BITS = 23

/** What is read from. */
export interface NamedParts {
  readonly driver: StorageDriver
  readonly blobs: BlobStore
  readonly links: LinkStore
}

/** Where the bytes of a listed manifest lie; a torn link of its own name is taken for whole. */
export const placeOf = async (
  links: LinkStore,
  name: RepositoryName,
  digest: Digest,
): Promise<Digest | undefined> =>
  algorithmOf(digest) === 'sha256' ? digest : links.findManifest(name, digest)

/**
 * A manifest by where its bytes lie.
 * @returns `'absent'` where it is nowhere, `'unclear'` where it cannot be understood, or was put aside and may come back
 */
export const readManifest = async (
  { blobs, driver }: NamedParts,
  stored: Digest,
): Promise<Manifest | 'absent' | 'unclear'> => {
  const bytes = await blobs.read(stored)
  if (bytes === undefined)
    return (await driver.stat(`${quarantineFolder(stored)}/data`)) === undefined ? 'absent' : 'unclear'
  try {
    return parseManifest(bytes)
  } catch {
    return 'unclear'
  }
}

/** Everything that a manifest names, apart from its subject. */
export const digestsOf = (manifest: Manifest): Digest[] =>
  (manifest.kind === 'index' ? manifest.manifests : blobsOf(manifest)).map(({ digest }) => digest)

/** Digests that manifests of one repository name. */
export class Named {
  readonly #parts: NamedParts
  readonly #name: RepositoryName
  readonly #filter = new DigestFilter(FILTER_BITS)
  readonly #read = new Set<Digest>()
  #isComplete = true

  constructor(parts: NamedParts, name: RepositoryName) {
    this.#parts = parts
    this.#name = name
  }

  /** Whether all manifests so far could be understood. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Whether a manifest so far names this digest; no is certain where {@link isComplete}. */
  has(digest: Digest): boolean {
    return this.#filter.has(digest)
  }

  /** Reads manifests that were not read before. @throws StorageError */
  async add(digests: readonly Digest[], onNamed: (digest: Digest) => void = () => {}): Promise<void> {
    for (const digest of digests) {
      const stored = await placeOf(this.#parts.links, this.#name, digest)
      if (stored === undefined || this.#read.has(stored)) continue
      this.#read.add(stored)
      for (const named of await this.#readOne(stored)) {
        this.#filter.add(named)
        onNamed(named)
      }
    }
  }

  async #readOne(stored: Digest): Promise<Digest[]> {
    const manifest = await readManifest(this.#parts, stored)
    if (manifest === 'unclear') this.#isComplete = false
    return typeof manifest === 'object' ? digestsOf(manifest) : []
  }
}
