/**
 * A pull of a manifest is a use of every blob it names: base layers that clients already hold must not look idle. Of an
 * index it is a use of what is stored of it, since a client that holds everything asks for nothing else.
 */
import { Memory } from '../memory.ts'
import { type Digest, digestOf } from '../protocol/digest.ts'
import { blobsOf, type Manifest } from '../protocol/manifest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { UseStore } from '../store/uses.ts'
import { tryParseManifest } from './mirror-store.ts'

/** How long after a use of a manifest another one tells nothing new, in milliseconds. */
const NEW_AFTER_MS = 10_000
/** Manifests of which that is remembered. */
const MAX_KNOWN = 10_000
/** Children of an index that are looked for: far more than there are platforms. */
const MAX_CHILDREN = 200

/** What uses of manifests are noted with. */
export interface ManifestUsesOptions {
  readonly uses: UseStore
  readonly manifests: ManifestStore
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Notes uses of manifests. */
export class ManifestUses {
  readonly #options: ManifestUsesOptions
  readonly #known: Memory<string, true>
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: ManifestUsesOptions) {
    this.#options = options
    const { now } = options
    this.#known = new Memory(MAX_KNOWN, { ttl: NEW_AFTER_MS, ttlResolution: 0, perf: { now } })
  }

  /** A client was given a manifest, or told that it has the newest. */
  note(name: RepositoryName, digest: Digest, bytes: Uint8Array): void {
    const key = `${name}@${digest}`
    if (this.#known.has(key)) return
    this.#known.set(key, true)
    const manifest = this.#noteOne(digest, bytes)
    if (manifest?.kind !== 'index') return
    const noting = this.#noteChildren(name, manifest).catch(() => {})
    this.#underWay.add(noting)
    void noting.then(() => this.#underWay.delete(noting))
  }

  /** Resolves when everything told so far is noted. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  #noteOne(digest: Digest, bytes: Uint8Array): Manifest | undefined {
    const { uses } = this.#options
    uses.note(digest.startsWith('sha256:') ? digest : digestOf(bytes), { kind: 'document' })
    const manifest = tryParseManifest(bytes)
    if (manifest === undefined) return undefined
    const config = manifest.kind === 'image' ? manifest.config.digest : undefined
    for (const blob of blobsOf(manifest))
      uses.note(blob.digest, { kind: blob.digest === config ? 'document' : 'layer' })
    return manifest
  }

  async #noteChildren(name: RepositoryName, index: Manifest & { kind: 'index' }): Promise<void> {
    for (const { digest } of index.manifests.slice(0, MAX_CHILDREN)) {
      const child = await this.#options.manifests.find(name, digest)
      if (child !== undefined) this.#noteOne(digest, child.bytes)
    }
  }
}
