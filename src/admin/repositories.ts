/**
 * The repositories of the store, page by page. What is not on a page is not looked at, and a page ends early where it has
 * taken much looking: it then says where to go on.
 */
import picomatch from 'picomatch'
import type { Digest } from '../protocol/digest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { Repositories } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { type FolderReader, walkRepositories } from '../store/catalog.ts'
import type { LinkStore } from '../store/links.ts'
import type { PullStore } from '../store/pulls.ts'
import { inLanes } from './lanes.ts'
import { toTime } from './times.ts'

/** Folders that one page goes through, those that the filter leaves out among them. */
const MAX_FOLDERS = 20_000
/** Blobs and manifests that one page looks at, to add up their sizes. */
const MAX_BLOBS = 50_000

/** Where they are looked up. */
export interface RepositoryListOptions {
  /** Keeps the lists of large folders from page to page. */
  readonly folders: FolderReader
  readonly blobs: Pick<BlobStore, 'stat'>
  readonly links: LinkStore
  readonly pulls: Pick<PullStore, 'read'>
  readonly repositories: Pick<Repositories, 'classify'>
}

/** A page that is asked for. */
export interface RepositoryPageRequest {
  readonly limit: number
  /** The page begins strictly after this name. */
  readonly after: string | undefined
  /** Glob of names. */
  readonly filter: string | undefined
  readonly signal: AbortSignal
}

/** Lists repositories. */
export class RepositoryList {
  readonly #options: RepositoryListOptions

  constructor(options: RepositoryListOptions) {
    this.#options = options
  }

  /** A page, in the order of the catalog; `next` is where the next one begins. @throws StorageError, the signal's reason */
  async page({ limit, after, filter, signal }: RepositoryPageRequest) {
    const matches = filter === undefined ? () => true : picomatch(filter)
    const repositories: Awaited<ReturnType<RepositoryList['describe']>>['entry'][] = []
    let folders = 0
    let blobs = 0
    let last: string | undefined
    for await (const { name, hasManifests } of walkRepositories(this.#options.folders, after)) {
      signal.throwIfAborted()
      if (repositories.length === limit || folders >= MAX_FOLDERS || blobs >= MAX_BLOBS)
        return { repositories, next: last }
      folders += 1
      last = name
      if (!hasManifests || !matches(name)) continue
      const { entry, looked } = await this.describe(name)
      repositories.push(entry)
      blobs += looked
    }
    return { repositories, next: undefined }
  }

  /** One of them, and how many blobs and manifests were looked at. @throws StorageError */
  async describe(name: RepositoryName) {
    const { links, pulls, repositories } = this.#options
    const standing = await repositories.classify(name)
    const manifests = await links.listManifests(name)
    const { pulls: pulled, usedAtMs } = await pulls.read(name)
    const digests = new Set([...manifests, ...(await links.listBlobs(name))])
    return {
      looked: digests.size,
      entry: {
        name: name as string,
        kind: standing.kind,
        upstream: standing.kind === 'mirrored' ? standing.upstream.name : undefined,
        tags: (await links.listTags(name)).length,
        manifests: manifests.length,
        sizeBytes: await this.#measure(digests),
        usedAt: toTime(usedAtMs),
        pulls: pulled,
      },
    }
  }

  /** Bytes that are stored of these; what has another name besides its sha256 is linked under both, and counts once. */
  async #measure(digests: ReadonlySet<Digest>): Promise<number> {
    let bytes = 0
    await inLanes(digests, async (digest) => {
      if (!digest.startsWith('sha256:')) return
      const sizeBytes = await this.#options.blobs.stat(digest)
      // Added in one step: the other lanes add to it, too.
      bytes += sizeBytes ?? 0
    })
    return bytes
  }
}
