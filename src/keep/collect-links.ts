/**
 * Links of local repositories that nothing needs any more, see `collect`. Manifests are not stored while it is decided
 * (`tagsKey`), and what a client holds, or has asked for since the run began, stays.
 */
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import { tagsKey } from '../store/links.ts'
import { layerLinkKey, revisionLinkKey } from '../store/paths.ts'
import type { CollectParts, CollectRules, CollectState } from './collect-state.ts'
import type { Named } from './named.ts'
import { VolumeSharedError } from './shared.ts'
import { findUntagged } from './untagged.ts'

/** Drops links, in one run. */
export class LinkDrops {
  readonly #parts: CollectParts
  readonly #rules: CollectRules
  readonly #state: CollectState

  constructor(parts: CollectParts, rules: CollectRules, state: CollectState) {
    this.#parts = parts
    this.#rules = rules
    this.#state = state
  }

  /** Manifests that no tag reaches. @returns those that went, or would have @throws VolumeSharedError, StorageError */
  async dropUntagged(name: RepositoryName): Promise<Digest[]> {
    const { coordinator, links, manifests } = this.#parts
    return coordinator.exclusive(tagsKey(name), async () => {
      const untagged = await findUntagged(this.#parts, name, (digest, stored) =>
        this.#isYoung(stored, revisionLinkKey(name, digest)),
      )
      if (untagged === undefined) this.#noteUnclear(name)
      const dropped: Digest[] = []
      for (const digest of untagged ?? []) {
        const stored = (await links.findManifest(name, digest)) ?? digest
        if (await this.#drop(stored, () => manifests.remove(name, digest))) dropped.push(digest)
      }
      this.#state.counts.manifests += dropped.length
      return dropped
    })
  }

  /** Links to blobs that no manifest names. @returns those that went, or would have @throws VolumeSharedError, StorageError */
  async dropUnnamed(name: RepositoryName, named: Named, untagged: ReadonlySet<Digest>): Promise<Digest[]> {
    const { coordinator, links } = this.#parts
    if (!this.#rules.dropsUnnamed) return []
    const blobs = await links.listBlobs(name)
    const aliases = await this.#findAliases(name, blobs)
    const isNamed = (digest: Digest): boolean =>
      named.has(digest) || (aliases.get(digest) ?? []).some((other) => named.has(other))
    const unnamed = blobs.filter((digest) => !isNamed(digest))
    if (unnamed.length === 0) return []
    // Manifests are not stored meanwhile; those that came since the others were read are read now.
    return coordinator.exclusive(tagsKey(name), async () => {
      const manifests = (await links.listManifests(name)).filter((digest) => !untagged.has(digest))
      await named.add(manifests, (digest) => this.#state.reachable.add(digest))
      if (!named.isComplete) this.#noteUnclear(name)
      const dropped: Digest[] = []
      for (const digest of named.isComplete ? unnamed : [])
        if (!isNamed(digest) && (await this.#dropLink(name, digest))) dropped.push(digest)
      return dropped
    })
  }

  /** Other names of the same bytes, for each name. */
  async #findAliases(name: RepositoryName, blobs: readonly Digest[]): Promise<Map<Digest, Digest[]>> {
    const aliases = new Map<Digest, Digest[]>()
    for (const digest of blobs.filter((each) => algorithmOf(each) !== 'sha256')) {
      const stored = await this.#parts.links.findBlob(name, digest)
      if (stored === undefined) continue
      aliases.set(digest, [stored])
      aliases.set(stored, [...(aliases.get(stored) ?? []), digest])
    }
    return aliases
  }

  async #dropLink(name: RepositoryName, digest: Digest): Promise<boolean> {
    const { links } = this.#parts
    const stored = (await links.findBlob(name, digest)) ?? digest
    const isYoung = await this.#isYoung(stored, layerLinkKey(name, digest))
    const isDropped = !isYoung && (await this.#drop(stored, () => links.unlinkBlob(name, digest)))
    this.#state.counts[isDropped ? 'links' : 'waiting'] += 1
    return isDropped
  }

  /** Takes content from a repository, unless somebody holds it, or has asked for it since the run began. */
  async #drop(stored: Digest, unlink: () => Promise<void>): Promise<boolean> {
    const isDropped = await this.#parts.leases.remove(stored, async () => {
      if (!(await this.#parts.owner.isAlone())) throw new VolumeSharedError()
      if (this.#state.touched.has(stored) || this.#state.linked.has(stored)) return false
      if (!this.#rules.isDryRun) await unlink()
      return true
    })
    return isDropped === true
  }

  async #isYoung(stored: Digest, linkKey: string): Promise<boolean> {
    const link = await this.#parts.driver.stat(linkKey)
    return this.#state.isYoung(stored, Math.max(link?.modifiedAtMs ?? 0, link?.changedAtMs ?? 0))
  }

  #noteUnclear(name: RepositoryName): void {
    this.#parts.log.warn(
      { repository: name },
      'a manifest cannot be understood: nothing that this repository has is garbage',
    )
  }
}
