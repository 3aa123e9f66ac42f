/**
 * The repositories of the store, page by page. What is not on a page is not looked at, and a page ends early where it has
 * taken much looking: it then says where to go on.
 */
import picomatch from 'picomatch'
import { inLanes } from '../lanes.ts'
import type { Digest } from '../protocol/digest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { Repositories, Standing } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import { type FolderReader, walkRepositories } from '../store/catalog.ts'
import type { LinkStore } from '../store/links.ts'
import type { PullStore } from '../store/pulls.ts'
import { toTime } from './times.ts'

/** Folders that one page goes through, those that the filter leaves out among them. */
const MAX_FOLDERS = 20_000
/** Blobs and manifests that one page looks at, to add up their sizes. */
const MAX_BLOBS = 50_000

/** Repositories that are looked at at once. */
const BATCH = 8

/** A repository of the list. */
interface Entry {
  readonly name: string
  readonly kind: Standing['kind']
  readonly upstream: string | undefined
  readonly tags: number
  readonly manifests: number
  readonly sizeBytes: number
  readonly usedAt: string | undefined
  readonly pulls: number
}

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
    const names: RepositoryName[] = []
    let folders = 0
    let next: string | undefined
    let last: string | undefined
    for await (const { name, hasManifests } of walkRepositories(this.#options.folders, after)) {
      signal.throwIfAborted()
      if (names.length === limit || folders >= MAX_FOLDERS) {
        next = last
        break
      }
      folders += 1
      last = name
      if (hasManifests && matches(name)) names.push(name)
    }
    return this.#describeAll(names, next, signal)
  }

  /** A few at a time, as long as there are not too many blobs. */
  async #describeAll(names: readonly RepositoryName[], next: string | undefined, signal: AbortSignal) {
    const repositories: Entry[] = []
    let blobs = 0
    for (let first = 0; first < names.length; first += BATCH) {
      signal.throwIfAborted()
      if (blobs >= MAX_BLOBS) return { repositories, next: names[first - 1] as string }
      const batch = names.slice(first, first + BATCH)
      for (const { entry, looked } of await Promise.all(batch.map((name) => this.#describe(name)))) {
        repositories.push(entry)
        blobs += looked
      }
    }
    return { repositories, next }
  }

  /** One of them, and how many blobs and manifests were looked at. @throws StorageError */
  async #describe(name: RepositoryName): Promise<{ readonly entry: Entry; readonly looked: number }> {
    const { links, pulls, repositories } = this.#options
    const [standing, manifests, blobs, tags, pulled] = await Promise.all([
      repositories.classify(name),
      links.listManifests(name),
      links.listBlobs(name),
      links.listTags(name),
      pulls.read(name),
    ])
    const digests = new Set([...manifests, ...blobs])
    return {
      looked: digests.size,
      entry: {
        name,
        kind: standing.kind,
        upstream: standing.kind === 'mirrored' ? standing.upstream.name : undefined,
        tags: tags.length,
        manifests: manifests.length,
        sizeBytes: await this.#measure(digests),
        usedAt: toTime(pulled.usedAtMs),
        pulls: pulled.pulls,
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
