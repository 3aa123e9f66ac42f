/**
 * Fetching ahead of the client. A platform manifest's config comes with it; its layers start with the client's first GET
 * of a layer, in order, since scanners and update bots read manifests and configs all day and must not download gigabytes.
 */
import type { LayerOrder, LayerOrders, LayerPlace } from '../fetch/layer-order.ts'
import { Memory } from '../memory.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import { blobsOf, type Descriptor, isForeignLayer } from '../protocol/manifest.ts'
import type { Mirrored } from '../repository.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { tryParseManifest } from './mirror-store.ts'

/** Manifests of which it is remembered that they were read. */
const MAX_MANIFESTS = 5_000
/** Blobs whose size or manifest is remembered. */
const MAX_BLOBS = 100_000
/** A config larger than this is no config, in bytes. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024
/**
 * Layers of one image under way at once, those included that its client asks for in the same order: as many as engines ask
 * for. They unpack from the first layer on, and more at once would take the wire from the one that they wait for.
 */
const MAX_AT_ONCE = 3

/** What a manifest's blobs are remembered as. */
interface Image {
  readonly layers: readonly Digest[]
  readonly order: LayerOrder
  isStarted: boolean
}

/** What fetching ahead works with. */
export interface PrefetchOptions {
  /** `cache.prefetch`; sizes are remembered in either case. */
  readonly isEnabled: boolean
  /** Whether anything may be fetched ahead from an upstream just now. */
  readonly mayFetch: (upstream: Upstream) => boolean
  /** Fetches a blob that nobody waits for yet; `true` once it is stored. Of one that is being fetched it awaits the end. */
  readonly fetch: (repository: Mirrored, digest: Digest) => Promise<boolean | undefined>
  readonly orders: LayerOrders
  readonly log: Logger
  readonly metrics: Metrics
}

/** Remembers which blobs belong together, and fetches them ahead. */
export class Prefetch {
  readonly #options: PrefetchOptions
  /** What was read once is not read again for every client. */
  readonly #noted = new Memory<string, true>(MAX_MANIFESTS)
  readonly #imageByLayer = new Memory<string, Image>(MAX_BLOBS)
  readonly #sizes = new Memory<Digest, number>(MAX_BLOBS)
  #isClosed = false

  constructor(options: PrefetchOptions) {
    this.#options = options
  }

  /** Fetches nothing more ahead; what is under way is ended by whoever does it. */
  close(): void {
    this.#isClosed = true
  }

  /** Size of a blob in bytes, as a manifest told it. */
  sizeOf(digest: Digest): number | undefined {
    return this.#sizes.get(digest)
  }

  /** Where in its image a layer is, as far as a manifest told it. */
  placeOf(repository: Mirrored, digest: Digest): LayerPlace | undefined {
    const image = this.#imageByLayer.get(`${repository.name}@${digest}`)
    return image && { order: image.order, index: image.layers.indexOf(digest) }
  }

  /** A manifest was given to a client: its config is fetched, its layers are remembered. */
  noteManifest(repository: Mirrored, digest: Digest, bytes: Buffer): void {
    const key = `${repository.name}@${digest}`
    if (this.#noted.has(key)) return
    this.#noted.set(key, true)
    const manifest = tryParseManifest(bytes)
    const descriptors =
      manifest === undefined ? [] : blobsOf(manifest).filter((each) => !isForeignLayer(each))
    for (const each of descriptors) if (each.sizeBytes > 0) this.#sizes.set(each.digest, each.sizeBytes)
    if (manifest?.kind !== 'image') return
    const { config } = manifest
    const layers = descriptors.map(({ digest: blob }) => blob).filter((blob) => blob !== config.digest)
    const image: Image = {
      layers,
      order: this.#options.orders.create(repository.origin.upstream),
      isStarted: false,
    }
    for (const layer of layers) this.#imageByLayer.set(`${repository.name}@${layer}`, image)
    if (this.#options.isEnabled) this.#fetchConfig(repository, config)
  }

  /** A client asked for a blob that was not stored: the other layers of its image follow. */
  noteMiss(repository: Mirrored, digest: Digest): void {
    const image = this.#imageByLayer.get(`${repository.name}@${digest}`)
    if (!this.#options.isEnabled || image === undefined || image.isStarted) return
    image.isStarted = true
    const missed = image.layers.indexOf(digest)
    // A client asks for the first few at once, in any order. One that begins later has those below it already.
    const first = missed < MAX_AT_ONCE ? 0 : missed
    const others = [...image.layers.slice(first), ...image.layers.slice(0, first)]
    const waiting = [digest, ...others.filter((layer) => layer !== digest)]
    const lanes = Array.from({ length: MAX_AT_ONCE }, () => this.#fetchInTurn(repository, waiting))
    void Promise.all(lanes).then(() => {
      image.isStarted = false
    })
  }

  #fetchConfig(repository: Mirrored, config: Descriptor): void {
    if (config.sizeBytes <= MAX_CONFIG_BYTES) void this.#fetchInTurn(repository, [config.digest])
  }

  /** Takes one blob after the other off a list that other lanes work on too. */
  async #fetchInTurn(repository: Mirrored, waiting: Digest[]): Promise<void> {
    const { upstream } = repository.origin
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (this.#isClosed || !this.#options.mayFetch(upstream)) return
      try {
        if ((await this.#options.fetch(repository, next)) === true) this.#options.metrics.prefetches.inc()
      } catch (error) {
        this.#options.log.debug(
          { err: error, digest: next },
          'prefetch failed: the blob is fetched when it is asked for',
        )
      }
    }
  }
}
