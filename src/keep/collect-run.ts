/** One run of the garbage collection, see `collect`. */
import { algorithmOf, type Digest, isDigest } from '../protocol/digest.ts'
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import { BUCKETS, blobFolder, blobKey, bucketPrefix } from '../store/paths.ts'
import { LinkDrops } from './collect-links.ts'
import { type CollectParts, type CollectReport, type CollectRules, CollectState } from './collect-state.ts'
import { Named } from './named.ts'

/** Blobs that a report names. */
const MAX_REPORTED = 1000

/** Collects once. */
export class CollectRun {
  readonly #parts: CollectParts
  readonly #rules: CollectRules
  readonly #state: CollectState
  readonly #drops: LinkDrops
  readonly #garbage: { digest: Digest; sizeBytes: number }[] = []

  constructor(parts: CollectParts, rules: CollectRules) {
    this.#parts = parts
    this.#rules = rules
    this.#state = new CollectState(parts.now(), rules.graceMs)
    this.#drops = new LinkDrops(parts, rules, this.#state)
  }

  /** @throws VolumeSharedError, StorageError, the signal's reason */
  async run(): Promise<CollectReport> {
    const { driver, now } = this.#parts
    const { counts, startedAtMs } = this.#state
    const end = await this.#state.watch(this.#parts)
    try {
      for await (const name of walkLinkedFolders(driver)) await this.#collectRepository(name)
      for (const bucket of BUCKETS) await this.#sweep(bucket)
    } finally {
      end()
    }
    const { isDryRun } = this.#rules
    return { isDryRun, startedAtMs, endedAtMs: now(), ...counts, garbage: this.#garbage }
  }

  async #collectRepository(name: RepositoryName): Promise<void> {
    const { links, repositories } = this.#parts
    this.#rules.signal?.throwIfAborted()
    this.#state.counts.repositories += 1
    const kind = isRepositoryName(name) ? (await repositories.classify(name)).kind : 'unclaimed'
    const isLocal = kind === 'local'
    const dropped = isLocal && this.#rules.dropsUntagged ? await this.#drops.dropUntagged(name) : []
    // What a dry run has dropped is still listed; what another one has, and is listed, has come anew.
    const untagged = new Set(this.#rules.isDryRun ? dropped : [])
    const manifests = (await links.listManifests(name)).filter((digest) => !untagged.has(digest))
    for (const digest of manifests) await this.#reach(digest, () => links.findManifest(name, digest))
    const named = new Named(this.#parts, name)
    // What can be had again is as much as it links: its manifests need not be read.
    if (kind !== 'mirrored') {
      await named.add(manifests, (digest) => this.#state.reachable.add(digest))
      for await (const stored of links.walkForeign(name)) this.#state.reachable.add(stored)
    }
    const unnamed = new Set(isLocal ? await this.#drops.dropUnnamed(name, named, untagged) : [])
    for (const digest of await links.listBlobs(name))
      if (!unnamed.has(digest)) await this.#reach(digest, () => links.findBlob(name, digest))
  }

  async #reach(digest: Digest, findStored: () => Promise<Digest | undefined>): Promise<void> {
    const stored = algorithmOf(digest) === 'sha256' ? digest : await findStored()
    if (stored !== undefined) this.#state.reachable.add(stored)
  }

  async #sweep(bucket: string): Promise<void> {
    for (const hex of await this.#parts.driver.list(bucketPrefix(bucket))) {
      const digest = `sha256:${hex}`
      if (!isDigest(digest) || this.#state.reachable.has(digest) || this.#state.linked.has(digest)) continue
      this.#rules.signal?.throwIfAborted()
      await this.#sweepBlob(digest)
    }
  }

  async #sweepBlob(digest: Digest): Promise<void> {
    const { driver, metrics } = this.#parts
    const found = await driver.stat(blobKey(digest))
    if (found === undefined) return this.#rules.isDryRun ? undefined : driver.prune(blobFolder(digest))
    const { sizeBytes, changedAtMs } = found
    const { arrivingMs } = this.#rules
    const isYoung = arrivingMs > 0 && changedAtMs > this.#state.startedAtMs - arrivingMs
    if (isYoung || !(await this.#removeBytes(digest))) {
      this.#state.counts.waiting += 1
      return
    }
    this.#state.counts.blobs += 1
    this.#state.counts.bytes += sizeBytes
    if (this.#garbage.length < MAX_REPORTED) this.#garbage.push({ digest, sizeBytes })
    if (this.#rules.isDryRun) return
    metrics.collectedBlobs.inc()
    metrics.collectedBytes.inc(sizeBytes)
  }

  async #removeBytes(digest: Digest): Promise<boolean> {
    const { blobs, leases, owner } = this.#parts
    if (this.#rules.isDryRun) return true
    const isRemoved = await leases.remove(digest, () =>
      blobs.removeIf(digest, async () => !this.#state.linked.has(digest) && (await owner.isAlone())),
    )
    return isRemoved === true
  }
}
