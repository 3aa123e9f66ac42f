/**
 * What clients of a registry were promised: which images it has, what its tags point at, and what it has been told to
 * delete. Whoever reads beside a writer asks before and after, and expects something only of what did not change between.
 */
import type { Digest } from '../../../src/protocol/digest.ts'
import type { TestImage, TestManifest } from '../images.ts'

/** A manifest in a repository. */
export interface Entry {
  readonly name: string
  readonly manifest: TestManifest
  /** Blobs that it names. */
  readonly blobs: readonly Digest[]
  /** Manifests that it names. */
  readonly children: readonly Digest[]
  /** Whether it was acknowledged, and nobody has begun to delete it since. */
  isThere: boolean
  /** How often somebody began to delete it. */
  changes: number
}

/** A tag of a repository. */
export interface TagEntry {
  readonly name: string
  readonly tag: string
  /** What it points at; `undefined`: deleted. */
  target: Entry | undefined
  /** Whether a change of it is under way. */
  isMoving: boolean
  changes: number
}

/** The promises. */
export class Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #tags = new Map<string, TagEntry>()
  /** What should not have happened. */
  readonly failures: string[] = []

  /** Where an image of a repository is noted; it is not there yet when it was never pushed. */
  image(name: string, { manifest, config, layers }: TestImage): Entry {
    return this.#entry(
      name,
      manifest,
      [config, ...layers].map(({ digest }) => digest),
      [],
    )
  }

  /** The same of an index of images. */
  index(name: string, manifest: TestManifest, children: readonly Entry[]): Entry {
    return this.#entry(
      name,
      manifest,
      [],
      children.map((child) => child.manifest.digest),
    )
  }

  tag(name: string, tag: string): TagEntry {
    const key = `${name}:${tag}`
    const found = this.#tags.get(key) ?? { name, tag, target: undefined, isMoving: false, changes: 0 }
    this.#tags.set(key, found)
    return found
  }

  /** Every manifest that was ever pushed. */
  entries(): Entry[] {
    return [...this.#entries.values()]
  }

  tags(): TagEntry[] {
    return [...this.#tags.values()]
  }

  /** Manifests and blobs that must be in the store, and none besides. */
  reachable(): Set<Digest> {
    const there = this.entries().filter(({ isThere }) => isThere)
    return new Set(there.flatMap(({ manifest, blobs }) => [manifest.digest, ...blobs]))
  }

  fail(what: string): void {
    if (this.failures.length < 50) this.failures.push(what)
  }

  #entry(name: string, manifest: TestManifest, blobs: readonly Digest[], children: readonly Digest[]): Entry {
    const key = `${name}@${manifest.digest}`
    const found = this.#entries.get(key) ?? { name, manifest, blobs, children, isThere: false, changes: 0 }
    this.#entries.set(key, found)
    return found
  }
}
