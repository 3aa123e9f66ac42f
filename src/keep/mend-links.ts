/**
 * Links that a power cut tore, of a server that did not sync them: their folder is there, and what they say is not. For all but
 * tags the folder tells what they said, and so it is written again where the bytes are there and right. Where there are none the
 * torn link goes, since it would be listed and cannot be read. Never while it might be being written.
 */
import type { Logger } from '../observe/log.ts'
import { algorithmOf, type Digest, digestOf } from '../protocol/digest.ts'
import { mediaTypeOf } from '../protocol/manifest.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'
import type { Standing } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { StorageDriver } from '../store/driver.ts'
import { type Examined, examineBlob } from '../store/examine.ts'
import type { Leases } from '../store/leases.ts'
import type { LinkStore } from '../store/links.ts'
import type { ManifestStore } from '../store/manifests.ts'
import type { MarkStore } from '../store/marks.ts'
import { layerLinkKey, revisionLinkKey, tagCurrentKey, tagFolder } from '../store/paths.ts'
import type { Pace } from './pace.ts'

/** A folder that changed less than this ago may be being filled by another program, in milliseconds. */
const SETTLED_AFTER_MS = 10 * 60 * 1000

/** What is mended, and with what. */
export interface MendLinksParts {
  readonly driver: StorageDriver
  readonly blobs: BlobStore
  readonly links: LinkStore
  readonly manifests: ManifestStore
  readonly marks: Pick<MarkStore, 'readAsked'>
  readonly leases: Leases
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How many links were written again, and how many went or were left. */
export interface Mended {
  readonly restored: number
  readonly removed: number
  readonly left: number
}

/** Mends the links of one repository. */
export class LinkMender {
  readonly #parts: MendLinksParts
  readonly #name: RepositoryName
  readonly #kind: Standing['kind']
  readonly #pace: Pace
  readonly #counts = { restored: 0, removed: 0, left: 0 }

  constructor(parts: MendLinksParts, name: RepositoryName, kind: Standing['kind'], pace: Pace) {
    this.#parts = parts
    this.#name = name
    this.#kind = kind
    this.#pace = pace
  }

  /** @throws StorageError */
  async mend(): Promise<Mended> {
    const { links } = this.#parts
    for (const digest of await links.listBlobs(this.#name)) await this.#mendBlob(digest)
    // Before the tags, which are mended only where they lead to something.
    for (const digest of await links.listManifests(this.#name)) await this.#mendManifest(digest)
    for (const tag of await links.listTags(this.#name)) await this.#mendTag(tag)
    return this.#counts
  }

  async #mendBlob(digest: Digest): Promise<void> {
    const { links, driver, leases } = this.#parts
    await this.#pace.file()
    if ((await links.findBlob(this.#name, digest)) !== undefined) return
    if (!(await this.#isTorn(layerLinkKey(this.#name, digest)))) return
    await leases.during([digest], async () => {
      const pace = (bytes: number): Promise<void> => this.#pace.read(bytes)
      // The bytes of any other algorithm lie nobody knows where.
      const isNamed = algorithmOf(digest) === 'sha256'
      const found = isNamed ? (await examineBlob(driver, digest, { pace })).kind : 'gone'
      if (found === 'right') await links.linkBlob(this.#name, digest)
      if (found === 'gone') await links.unlinkBlob(this.#name, digest)
      this.#count(found)
    })
  }

  async #mendManifest(digest: Digest): Promise<void> {
    const { links, blobs, manifests, leases } = this.#parts
    await this.#pace.file()
    if ((await links.findManifest(this.#name, digest)) !== undefined) return
    if (!(await this.#isTorn(revisionLinkKey(this.#name, digest)))) return
    await leases.during([digest], async () => {
      const bytes = await blobs.read(digest)
      const found = bytes === undefined ? 'gone' : digestOf(bytes) === digest ? 'right' : 'wrong'
      if (found === 'right' && bytes !== undefined)
        await manifests.put(this.#name, { digest, mediaType: mediaTypeOf(bytes), bytes })
      if (found === 'gone') await manifests.remove(this.#name, digest)
      this.#count(found)
    })
  }

  async #mendTag(tag: Tag): Promise<void> {
    const { links, log } = this.#parts
    await this.#pace.file()
    if ((await links.readTag(this.#name, tag)) !== undefined) return
    if (!(await this.#isTorn(tagCurrentKey(this.#name, tag), tagFolder(this.#name, tag)))) return
    const candidates = await this.#candidatesOf(tag)
    const [only, ...others] = candidates
    if (only !== undefined && others.length === 0) {
      await links.writeTag(this.#name, tag, only)
      this.#counts.restored += 1
    } else if (only === undefined || this.#kind === 'mirrored') {
      // Its upstream is asked for it; of any other there is nothing that it could have pointed at.
      await links.removeTag(this.#name, tag)
      this.#counts.removed += 1
    } else {
      this.#counts.left += 1
      const fields = { repository: this.#name, tag, candidates: candidates.slice(0, 10) }
      log.error(fields, 'a crash tore this tag, and nothing tells which of these it pointed at: tag it again')
    }
  }

  /** Of a link whose bytes are wrong nothing is certain: the scrub comes to them. */
  #count(found: Examined['kind']): void {
    this.#counts[found === 'right' ? 'restored' : found === 'gone' ? 'removed' : 'left'] += 1
  }

  /** Manifests that are here, and that a torn tag may have pointed at. */
  async #candidatesOf(tag: Tag): Promise<Digest[]> {
    const { links, marks } = this.#parts
    const asked = this.#kind === 'mirrored' ? await marks.readAsked(this.#name, tag) : undefined
    const named = asked === undefined ? await links.listTagged(this.#name, tag) : [asked.digest]
    const here: Digest[] = []
    for (const digest of named)
      if ((await links.findManifest(this.#name, digest)) !== undefined) here.push(digest)
    return here
  }

  /**
   * Whether a link is there and torn, with nobody at it any more. Where there is none, its content was taken away by a server
   * that leaves the folder: that goes, too, and nothing comes back.
   * @param folder what goes; default: the link's own
   */
  async #isTorn(key: string, folder = key.slice(0, key.lastIndexOf('/'))): Promise<boolean> {
    const { driver } = this.#parts
    const found = await driver.stat(key)
    const changedAtMs = found?.changedAtMs ?? (await driver.namesChangedAtMs?.(folder)) ?? 0
    if (this.#parts.now() - changedAtMs <= SETTLED_AFTER_MS) return false
    if (found !== undefined) return true
    await driver.prune(folder)
    this.#counts.removed += 1
    return false
  }
}
