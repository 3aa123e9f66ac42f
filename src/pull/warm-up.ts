/**
 * Warm-up: an image fetched ahead of its clients, by platform, on the ordinary way of a pull: one fetch however many want
 * it, verified, within the disk budget, behind every client in the queues. What is here is not fetched, nor asked for again.
 *
 *     tag ──HEAD──> digest ──GET──> index ──GET──> the platforms' manifests ──GET──> configs, layers
 *
 * Below the watermark, and while an upstream answers 429, it waits (`pull/governor`).
 */
import type { Clock } from '../fetch/source.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Platform } from '../protocol/manifest.ts'
import { blobsOf, type Descriptor, isForeignLayer, type Manifest } from '../protocol/manifest.ts'
import type { Reference } from '../protocol/name.ts'
import { isPlatform } from '../protocol/platform.ts'
import type { Mirrored } from '../repository.ts'
import type { StoredManifest } from '../store/manifests.ts'
import type { BlobPull } from './blob.ts'
import type { Governor } from './governor.ts'
import type { ManifestSource } from './manifest-source.ts'
import type { ManifestUses } from './manifest-uses.ts'
import { type MirrorStore, tryParseManifest } from './mirror-store.ts'
import { Patience } from './patience.ts'
import type { StoredManifests } from './stored-manifests.ts'
import type { WarmProgress } from './warm-progress.ts'

/** Blobs of one image fetched at once. */
const BLOBS_AT_ONCE = 3
/** Time for a manifest or its HEAD, waiting in the queue behind clients included, in milliseconds. */
const ASK_WITHIN_MS = 120_000

/** What warm-ups work with. */
export interface WarmUpOptions {
  readonly stored: StoredManifests
  readonly source: ManifestSource
  readonly mirror: Pick<MirrorStore, 'settle'>
  readonly blobs: BlobPull
  readonly uses: ManifestUses
  readonly governor: Governor
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'warmBytes'>
}

/** What to fetch ahead. */
export interface WarmImage {
  readonly repository: Mirrored
  readonly reference: Reference
}

/** How to fetch it. */
export interface WarmTask {
  /** Which entries of an index; an image that is none is fetched as it is. */
  readonly platforms: readonly Platform[]
  readonly progress: WarmProgress
  /** Ends it. Blobs whose fetch has begun are fetched to their end. */
  readonly signal: AbortSignal
  /** Told why nothing is fetched for a while, and that it goes on. */
  readonly onPause: (reason: string | undefined) => void
}

const ASKING = { deadlineMs: ASK_WITHIN_MS, priority: 'prefetch' } as const

/** Rejects when the signal is aborted. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const isWanted = ({ platform }: Descriptor, platforms: readonly Platform[]): boolean =>
  platform !== undefined && platforms.some((wanted) => isPlatform(platform, wanted))

/** Fetches images ahead. */
export class WarmUp {
  readonly #options: WarmUpOptions

  constructor(options: WarmUpOptions) {
    this.#options = options
  }

  /**
   * Fetches what is not here of an image.
   * @returns whether anything was fetched
   * @throws UpstreamError; the reason of the signal; an Error for what is not there in any of the platforms
   */
  async fetch(image: WarmImage, task: WarmTask): Promise<boolean> {
    const run = new WarmRun(this.#options, image, task)
    return run.fetch()
  }
}

/** The warm-up of one image. */
class WarmRun {
  readonly #options: WarmUpOptions
  readonly #image: WarmImage
  readonly #task: WarmTask
  readonly #patience: Patience
  readonly #aborted: Promise<never>
  #fetched = 0

  constructor(options: WarmUpOptions, image: WarmImage, task: WarmTask) {
    this.#options = options
    this.#image = image
    this.#task = task
    this.#aborted = untilAborted(task.signal)
    // Nothing may be under way when it comes.
    this.#aborted.catch(() => {})
    const { clock, governor, source } = options
    const { repository, reference } = image
    this.#patience = new Patience({
      ...task,
      upstream: repository.origin.upstream,
      governor,
      clock,
      probe: () => source.resolve(repository, reference, ASKING),
    })
  }

  async fetch(): Promise<boolean> {
    const top = await this.#load(await this.#resolve())
    const platforms = await this.#loadPlatforms(top)
    const blobs = new Map(platforms.flatMap(blobsOf).map((blob) => [blob.digest, blob]))
    // What is here for other repositories is confirmed and linked by then.
    await this.#options.mirror.settle()
    await this.#fetchBlobs([...blobs.values()].filter((blob) => !isForeignLayer(blob)))
    await this.#options.mirror.settle()
    return this.#fetched > 0
  }

  async #resolve(): Promise<Reference> {
    const { repository, reference } = this.#image
    if (reference.kind === 'digest') return reference
    const { stat } = await this.#patience.uncounted(() =>
      this.#options.source.resolve(repository, reference, ASKING),
    )
    return { kind: 'digest', digest: stat.digest }
  }

  async #load(reference: Reference): Promise<StoredManifest> {
    const { stored, source, uses } = this.#options
    const { repository } = this.#image
    const kept = await stored.find(repository, reference)
    const manifest =
      kept ?? (await this.#patience.counted(() => source.load(repository, reference, ASKING))).manifest
    if (kept === undefined) this.#count(manifest.bytes.length)
    uses.note(repository.name, manifest.digest, manifest.bytes)
    return manifest
  }

  /** The manifests that a client of one of the platforms pulls. */
  async #loadPlatforms({ bytes }: StoredManifest): Promise<Manifest[]> {
    const manifest = tryParseManifest(bytes)
    if (manifest === undefined) return []
    if (manifest.kind !== 'index') return [manifest]
    const wanted = manifest.manifests.filter((entry) => isWanted(entry, this.#task.platforms))
    if (wanted.length === 0) throw new Error('it is not there for any of the platforms')
    const found: Manifest[] = []
    for (const { digest } of wanted) {
      const child = tryParseManifest((await this.#load({ kind: 'digest', digest })).bytes)
      if (child !== undefined) found.push(child)
    }
    return found
  }

  async #fetchBlobs(blobs: Descriptor[]): Promise<void> {
    const lane = async (): Promise<void> => {
      try {
        for (let next = blobs.shift(); next !== undefined; next = blobs.shift()) await this.#fetchBlob(next)
      } finally {
        // One that failed ends the others after their blob.
        blobs.length = 0
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: BLOBS_AT_ONCE }, lane))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async #fetchBlob({ digest, sizeBytes }: Descriptor): Promise<void> {
    const { blobs, metrics } = this.#options
    const { progress } = this.#task
    await this.#patience.uncounted(async () => {
      const ahead = await blobs.fetchAhead(this.#image.repository, digest, sizeBytes)
      if (ahead === undefined) return
      const { flight, isNew } = ahead
      const done = progress.follow(flight)
      try {
        const isStored = await Promise.race([flight.ended, this.#aborted])
        if (isNew) metrics.warmBytes.inc(flight.writtenBytes)
        // It may have failed before the upstream's answer, and says why.
        if (!isStored) await flight.answered
        if (!isStored) throw new Error(`${digest} was not kept: the log says why`)
        this.#fetched += 1
      } finally {
        done()
      }
    })
  }

  #count(bytes: number): void {
    this.#fetched += 1
    this.#options.metrics.warmBytes.inc(bytes)
    this.#task.progress.add(bytes)
  }
}
