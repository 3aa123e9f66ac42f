/**
 * `proxy.ttl`: mirrored manifests, tags and blobs that nobody has used for so long are dropped; their bytes are collected
 * when no other repository needs them. Suspended for a repository while the upstream that could replace its content does
 * not answer, refuses our account or limits us: what nobody has asked for a week may be all there is in an outage.
 */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { MarkStore } from '../store/marks.ts'
import type { Owner } from '../store/owner.ts'
import { blobKey, layerLinkKey, repositoryFolder, revisionLinkKey } from '../store/paths.ts'
import type { UseStore } from '../store/uses.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { findPinned, type ProtectParts } from './protect.ts'
import { filterRecent } from './recent.ts'
import { VolumeSharedError } from './shared.ts'

/** What is looked at, and with. */
export interface ExpiryOptions extends Omit<ProtectParts, 'marks'> {
  readonly marks: MarkStore
  readonly manifests: ManifestStore
  readonly uses: UseStore
  readonly owner: Pick<Owner, 'isAlone'>
  readonly log: Logger
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** `proxy.ttl` in milliseconds; 0: nothing is ever dropped. */
  readonly ttlMs: number
}

/** Whether an upstream could give again what is dropped, as far as its last answers tell. */
const isWell = (upstream: Upstream, nowMs: number): boolean => {
  const { isReachable, refusedCredentials, limitedUntilMs = 0 } = upstream.health()
  return isReachable === true && refusedCredentials === undefined && limitedUntilMs <= nowMs
}

/** Drops what nobody uses. */
export class Expiry {
  readonly #options: ExpiryOptions

  constructor(options: ExpiryOptions) {
    this.#options = options
  }

  /** Goes through all mirrored repositories once. @throws VolumeSharedError, StorageError, the signal's reason */
  async run(signal?: AbortSignal): Promise<void> {
    const { driver, now, owner, repositories, ttlMs, uses } = this.#options
    if (ttlMs === 0) return
    if (!(await owner.isAlone())) throw new VolumeSharedError()
    const sinceMs = now() - ttlMs
    const touched = new Set<Digest>()
    const end = uses.watch((digest) => touched.add(digest))
    try {
      const recent = await filterRecent(uses, sinceMs)
      const isUsed = (stored: Digest): boolean => recent.has(stored) || touched.has(stored)
      for await (const name of walkLinkedFolders(driver)) {
        signal?.throwIfAborted()
        if (!isRepositoryName(name)) continue
        const standing = await repositories.classify(name)
        if (standing.kind === 'mirrored' && isWell(standing.upstream, now()))
          await this.#expireIn(name, isUsed, sinceMs)
      }
    } finally {
      end()
    }
  }

  async #expireIn(name: RepositoryName, isUsed: (stored: Digest) => boolean, sinceMs: number): Promise<void> {
    const { links, log, metrics, driver } = this.#options
    const pinned = await findPinned(this.#options, name)
    const isKept = async (stored: Digest, linkKey: string): Promise<boolean> =>
      pinned.has(stored) || isUsed(stored) || (await this.#cameAtMs(stored, linkKey)) >= sinceMs
    const manifests: Digest[] = []
    for (const digest of await links.listManifests(name)) {
      const stored = (await links.findManifest(name, digest)) ?? digest
      if (!(await isKept(stored, revisionLinkKey(name, digest)))) manifests.push(digest)
    }
    if (manifests.length > 0) await this.#dropManifests(name, manifests)
    let blobs = 0
    for (const digest of await links.listBlobs(name)) {
      const stored = (await links.findBlob(name, digest)) ?? digest
      if (await isKept(stored, layerLinkKey(name, digest))) continue
      await links.unlinkBlob(name, digest)
      blobs += 1
    }
    if (blobs + manifests.length === 0) return
    metrics.expired.inc({ type: 'blob' }, blobs)
    metrics.expired.inc({ type: 'manifest' }, manifests.length)
    log.info({ repository: name, blobs, manifests: manifests.length }, 'expired since nobody used it')
    const left = [...(await links.listBlobs(name)), ...(await links.listManifests(name))]
    if (left.length === 0) await driver.prune(repositoryFolder(name))
  }

  /** Manifests, and the tags that point at them. */
  async #dropManifests(name: RepositoryName, digests: readonly Digest[]): Promise<void> {
    const { links, manifests, marks } = this.#options
    const dropped = new Set(digests)
    for (const tag of await links.listTags(name)) {
      const target = await links.readTag(name, tag)
      if (target === undefined || !dropped.has(target)) continue
      await links.removeTag(name, tag)
      await marks.removeAsked(name, tag)
    }
    for (const digest of digests) await manifests.remove(name, digest)
  }

  /** When content came: its bytes, or where those were evicted its link. */
  async #cameAtMs(stored: Digest, linkKey: string): Promise<number> {
    const { driver } = this.#options
    const found = (await driver.stat(blobKey(stored))) ?? (await driver.stat(linkKey))
    return found?.modifiedAtMs ?? 0
  }
}
