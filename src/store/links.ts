/**
 * What each repository has: blobs, manifests and tags, as links in distribution's layout. A link makes content visible;
 * without one the same bytes are unknown in that repository. Links that were seen are kept in memory, and believed for a
 * moment, so that a second process on the volume is noticed within {@link KNOWN_FOR_MS}.
 */
import { Memory } from '../memory.ts'
import type { CacheMeter } from '../observe/cache-meter.ts'
import { type Digest, isDigest } from '../protocol/digest.ts'
import { isTag, type RepositoryName, type Tag } from '../protocol/name.ts'
import type { StorageDriver } from './driver.ts'
import { FolderNames } from './folder-names.ts'
import { KnownValues } from './known-values.ts'
import {
  layerLinkKey,
  layersPrefix,
  manifestsFolder,
  revisionLinkKey,
  revisionsPrefix,
  tagCurrentKey,
  tagFolder,
  tagIndexKey,
  tagIndexPrefix,
  tagsPrefix,
} from './paths.ts'

/** Links kept in memory, and tags as many. */
const MAX_KNOWN = 100_000
/** Blobs of which it is kept who was given them last. */
const MAX_LAST = 50_000
/** How long a link is believed without looking, in milliseconds. */
const KNOWN_FOR_MS = 2_000
/** The same for tags, which change. */
const TAG_KNOWN_FOR_MS = 1_000
/** How long a tag is believed that is still being written, in milliseconds: longer than a slow disk takes. */
const TAG_SHOWN_FOR_MS = 30_000

/** Key of what changes a repository's tags and manifests, one at a time (`Coordinator.exclusive`). */
export const tagsKey = (name: RepositoryName): string => `tags ${name}`

/** A torn link of an old crash is as good as none. */
const parseLink = (bytes: Buffer | undefined): Digest | undefined => {
  const text = bytes?.toString('latin1').trim()
  return text !== undefined && isDigest(text) ? text : undefined
}

/** The links of all repositories. */
export class LinkStore {
  readonly #driver: StorageDriver
  readonly #meter: CacheMeter | undefined
  readonly #known: KnownValues<Digest>
  readonly #tags: KnownValues<Digest>
  readonly #lastByDigest = new Memory<Digest, RepositoryName>(MAX_LAST)
  readonly #writing = new Map<string, Promise<void>>()
  readonly #watchers = new Set<(stored: Digest) => void>()
  readonly #tagNames: FolderNames<Tag>
  /** Counts what was moved or removed. */
  #changes = 0
  #removals = 0

  /** @param now monotonic milliseconds, for the age of what is remembered; a test passes its own clock */
  constructor(driver: StorageDriver, meter?: CacheMeter, now?: () => number) {
    this.#driver = driver
    this.#meter = meter
    const options = { maxEntries: MAX_KNOWN, parse: parseLink, now }
    this.#known = new KnownValues(driver, { ...options, forMs: KNOWN_FOR_MS })
    this.#tags = new KnownValues(driver, { ...options, forMs: TAG_KNOWN_FOR_MS })
    this.#tagNames = new FolderNames(driver, isTag)
  }

  /** How often a tag was moved, or anything removed, since the start of this process. */
  get changes(): number {
    return this.#changes
  }

  /** How many blobs and manifests were taken from repositories, since the start of this process. */
  get removals(): number {
    return this.#removals
  }

  /** Calls `watch` for all bytes that a repository is given, before it has them. @returns what ends that */
  watch(watch: (stored: Digest) => void): () => void {
    this.#watchers.add(watch)
    return () => this.#watchers.delete(watch)
  }

  /** The sha256 digest under which a blob of this repository lies, or `undefined` where it has no such blob. */
  findBlob(name: RepositoryName, digest: Digest): Promise<Digest | undefined> {
    return this.#find(this.#known, layerLinkKey(name, digest))
  }

  /** The same for a blob that the repository had when it was asked for last; `undefined` where that is not remembered. */
  findKnownBlob(name: RepositoryName, digest: Digest): Promise<Digest | undefined> | undefined {
    const key = layerLinkKey(name, digest)
    return this.#known.has(key) ? this.#find(this.#known, key) : undefined
  }

  /** The sha256 digest under which a manifest of this repository lies, or `undefined`. */
  findManifest(name: RepositoryName, digest: Digest): Promise<Digest | undefined> {
    return this.#find(this.#known, revisionLinkKey(name, digest))
  }

  /** Lets a repository have a blob, under the name `digest`; `stored` is where its bytes lie. */
  async linkBlob(name: RepositoryName, digest: Digest, stored: Digest = digest): Promise<void> {
    this.#tell(stored)
    await this.#write(layerLinkKey(name, digest), stored)
    if (stored !== digest) await this.#write(layerLinkKey(name, stored), stored)
    this.#lastByDigest.set(digest, name)
  }

  /** A repository that was given this blob not long ago, as a hint: it may have it no longer. */
  lastLinked(digest: Digest): RepositoryName | undefined {
    return this.#lastByDigest.get(digest)
  }

  /** Lets a repository have a manifest, under the name `digest`. */
  async linkManifest(name: RepositoryName, digest: Digest, stored: Digest = digest): Promise<void> {
    this.#tell(stored)
    await this.#write(revisionLinkKey(name, digest), stored)
    if (stored !== digest) await this.#write(revisionLinkKey(name, stored), stored)
  }

  /** Takes a blob from a repository. */
  async unlinkBlob(name: RepositoryName, digest: Digest): Promise<void> {
    await this.#remove(layerLinkKey(name, digest))
  }

  /** Takes a manifest from a repository; its tags are the caller's. */
  async unlinkManifest(name: RepositoryName, digest: Digest): Promise<void> {
    await this.#remove(revisionLinkKey(name, digest))
  }

  /** What a tag points at, or `undefined`. */
  async readTag(name: RepositoryName, tag: Tag): Promise<Digest | undefined> {
    return this.#find(this.#tags, tagCurrentKey(name, tag))
  }

  /** Lets reads find a tag at once, in memory, while {@link writeTag} is still under way. */
  showTag(name: RepositoryName, tag: Tag, digest: Digest): void {
    this.#rememberTag(tagCurrentKey(name, tag), digest, TAG_SHOWN_FOR_MS)
  }

  /** Points a tag at a manifest. */
  async writeTag(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    await this.#driver.write(tagCurrentKey(name, tag), digest)
    this.#rememberTag(tagCurrentKey(name, tag), digest)
    // It has moved: that nobody can read where it once was does not undo that.
    await this.#driver.writeLazily(tagIndexKey(name, tag, digest), digest).catch(() => {})
  }

  /** Removes a tag; the manifest stays. */
  async removeTag(name: RepositoryName, tag: Tag): Promise<void> {
    this.#tags.delete(tagCurrentKey(name, tag))
    await this.#driver.remove(tagFolder(name, tag))
    this.#changes += 1
    this.#tags.delete(tagCurrentKey(name, tag))
  }

  /** Takes everything from a repository at once. Not durable: a power cut may bring it back. */
  async clear(name: RepositoryName): Promise<void> {
    for (const folder of [layersPrefix(name), manifestsFolder(name)]) await this.#driver.removeLazily(folder)
    this.#changes += 1
    this.#removals += 1
    this.#known.clear()
    this.#tags.clear()
  }

  /** The tags of a repository, in byte order, after `after`, at most `limit`. */
  async listTags(name: RepositoryName, after?: string, limit?: number): Promise<readonly Tag[]> {
    return this.#tagNames.list(tagsPrefix(name), after, limit)
  }

  /** The blobs that a repository has, by digests of any algorithm or of those alone that `isWanted`. */
  async listBlobs(name: RepositoryName, isWanted?: (algorithm: string) => boolean): Promise<Digest[]> {
    return this.#listDigests(layersPrefix(name), isWanted)
  }

  /** The manifests that a repository has. */
  async listManifests(name: RepositoryName): Promise<Digest[]> {
    return this.#listDigests(revisionsPrefix(name))
  }

  /**
   * Bytes that links of other algorithms and schema 1 signatures name, which old versions of docker-registry made: read
   * by nobody here, and not ours to lose.
   */
  async *walkForeign(name: RepositoryName): AsyncGenerator<Digest, void, void> {
    for (const prefix of [layersPrefix(name), revisionsPrefix(name)])
      for (const algorithm of await this.#driver.list(prefix))
        if (algorithm !== 'sha256' && algorithm !== 'sha512') yield* this.#walkLinks(`${prefix}/${algorithm}`)
    for (const digest of await this.listManifests(name))
      yield* this.#walkLinks(`${revisionLinkKey(name, digest).slice(0, -'link'.length)}signatures`)
  }

  /** What a tag ever pointed at, in no order of time. */
  async listTagged(name: RepositoryName, tag: Tag): Promise<Digest[]> {
    return this.#listDigests(tagIndexPrefix(name, tag))
  }

  /** Whether anything was ever stored in a repository. */
  async hasRepository(name: RepositoryName): Promise<boolean> {
    const [blobs, manifests] = await Promise.all([
      this.#driver.list(layersPrefix(name), undefined, 1),
      this.#driver.list(revisionsPrefix(name), undefined, 1),
    ])
    return blobs.length + manifests.length > 0
  }

  async *#walkLinks(prefix: string): AsyncGenerator<Digest, void, void> {
    for (const entry of await this.#driver.list(prefix)) {
      const stored = entry === 'link' ? parseLink(await this.#driver.read(`${prefix}/${entry}`)) : undefined
      if (stored !== undefined) yield stored
      if (entry !== 'link') yield* this.#walkLinks(`${prefix}/${entry}`)
    }
  }

  #tell(stored: Digest): void {
    for (const watch of this.#watchers) watch(stored)
  }

  async #listDigests(
    prefix: string,
    isWanted: (algorithm: string) => boolean = () => true,
  ): Promise<Digest[]> {
    const algorithms = (await this.#driver.list(prefix)).filter(isWanted)
    const lists = await Promise.all(
      algorithms.map(async (algorithm) => {
        const names = await this.#driver.list(`${prefix}/${algorithm}`)
        return names.map((hex) => `${algorithm}:${hex}`)
      }),
    )
    return lists.flat().filter(isDigest)
  }

  #rememberTag(key: string, digest: Digest, forMs?: number): void {
    this.#changes += 1
    this.#tags.set(key, digest, forMs)
  }

  async #find(known: KnownValues<Digest>, key: string): Promise<Digest | undefined> {
    const digest = known.believed(key)
    this.#meter?.noteLookup(digest !== undefined)
    return digest ?? known.look(key)
  }

  /** One write of a link at a time: whoever finds it being written waits until it is durable. */
  async #write(key: string, stored: Digest): Promise<void> {
    const running = this.#writing.get(key)
    if (running !== undefined) return running
    const writing = this.#writeMissing(key, stored).finally(() => this.#writing.delete(key))
    this.#writing.set(key, writing)
    await writing
  }

  /** Looks at the store, not at what is remembered: another process may have removed it. */
  async #writeMissing(key: string, stored: Digest): Promise<void> {
    if (parseLink(await this.#driver.read(key)) !== stored) await this.#driver.write(key, stored)
    this.#known.set(key, stored)
  }

  async #remove(key: string): Promise<void> {
    this.#known.delete(key)
    await this.#driver.remove(key.slice(0, -'/link'.length))
    this.#changes += 1
    this.#removals += 1
    this.#known.delete(key)
  }
}
