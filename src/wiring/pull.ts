/** Everything that answers reads, from the store or from upstreams. */
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import { Flights } from '../fetch/flights.ts'
import { LayerOrders } from '../fetch/layer-order.ts'
import { Partials } from '../fetch/partials.ts'
import type { Admission } from '../fetch/plan.ts'
import type { Clock } from '../fetch/source.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import { BlobPull } from '../pull/blob.ts'
import { BlobPlaces } from '../pull/blob-places.ts'
import { Catalog } from '../pull/catalog.ts'
import { createFreshness } from '../pull/freshness.ts'
import { Governor } from '../pull/governor.ts'
import { ListingPull } from '../pull/listing.ts'
import { ManifestPull } from '../pull/manifest.ts'
import { ManifestSource } from '../pull/manifest-source.ts'
import { ManifestUses } from '../pull/manifest-uses.ts'
import type { Mending } from '../pull/mending.ts'
import { MirrorStore } from '../pull/mirror-store.ts'
import { Prefetch } from '../pull/prefetch.ts'
import { StoredBlobs } from '../pull/stored-blobs.ts'
import { StoredManifests } from '../pull/stored-manifests.ts'
import { WarmUp } from '../pull/warm-up.ts'
import type { UpstreamEntry } from '../repository.ts'
import { PARTIALS_FOLDER } from '../store/paths.ts'
import type { Store } from './store.ts'

/** What reads are answered with besides the store. */
export interface PullTools {
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
  readonly admission: Admission
  readonly mending: Mending
  readonly upstreams: readonly UpstreamEntry[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Only of Docker Hub it is known that it counts GETs of manifests alone (docs.docker.com, Pull usage and limits). */
const countingManifests = (upstreams: readonly UpstreamEntry[]): ReadonlySet<string> =>
  new Set(upstreams.filter(({ isDockerHub }) => isDockerHub).map(({ upstream }) => upstream.name))

/** Builds the reading side. */
export const createPull = ({ cache, limits }: Config, store: Store, tools: PullTools) => {
  const { coordinator, metrics, log, clock, mending, now } = tools
  const { leases, links, marks, uses } = store
  const deadlines = { cachedMs: limits.requestcached, answerMs: limits.manifest, absentForMs: limits.absent }
  const partials = new Partials(join(store.root, PARTIALS_FOLDER), store.owner)
  const flights = new Flights({
    partials,
    log,
    metrics,
    clock,
    giveUpAfterMs: limits.resume,
    abandons: cache.abandon,
    ...(store.makeRoom && { makeRoom: store.makeRoom }),
    admission: tools.admission,
  })
  const { blobs: stored, manifests: kept } = store
  const mirror = new MirrorStore({
    blobs: stored,
    links,
    manifests: kept,
    marks,
    leases,
    uses,
    mirroredSize: store.mirroredSize,
    coordinator,
    log,
    now,
  })
  const governor = new Governor({
    watermark: cache.watermark,
    countsManifests: countingManifests(tools.upstreams),
    now,
  })
  const prefetch: Prefetch = new Prefetch({
    isEnabled: cache.prefetch,
    mayFetch: (upstream) => !governor.isLow(upstream),
    fetch: (repository, digest) => blobs.prefetch(repository, digest),
    orders: new LayerOrders(now),
    log,
    metrics,
  })
  const blobs: BlobPull = new BlobPull({
    blobs: stored,
    stored: new StoredBlobs({ blobs: stored, flights, prefetch, mending, metrics, log }),
    mending,
    places: new BlobPlaces({ blobs: stored, links, leases, uses, flights }),
    links,
    uses,
    mirror,
    flights,
    prefetch,
    coordinator,
    deadlines,
    metrics,
  })
  const freshness = createFreshness(cache.freshness.map((rule) => ({ tags: rule.tags, forMs: rule.for })))
  const storedManifests = new StoredManifests({ manifests: kept, links, log })
  const source = new ManifestSource({ stored: storedManifests, mirror, coordinator, metrics })
  const manifestUses = new ManifestUses({ uses, manifests: kept, now })
  const manifests = new ManifestPull({
    stored: storedManifests,
    source,
    links,
    marks,
    mirror,
    mending,
    prefetch,
    uses: manifestUses,
    pulls: store.pulls,
    coordinator,
    deadlines,
    freshness,
    governor,
    keepsGone: cache.keepgone,
    metrics,
    log,
    now,
  })
  const listings = new ListingPull({
    links,
    referrers: store.referrers,
    coordinator,
    deadlines,
    metrics,
    now,
  })
  const warmUp = new WarmUp({
    stored: storedManifests,
    source,
    mirror,
    blobs,
    uses: manifestUses,
    governor,
    clock,
    metrics,
  })
  const settle = async (): Promise<void> => {
    await Promise.all(flights.list().map(({ ended }) => ended))
    await mirror.settle()
    await manifestUses.settle()
  }
  return {
    blobs,
    manifests,
    listings,
    catalog: new Catalog(store.folders, marks),
    flights,
    partials,
    governor,
    warmUp,
    /** Fetches what was rotten anew. @returns whether it is stored, as far as that is known */
    refetch: async (
      repository: Parameters<BlobPull['prefetch']>[0],
      digest: Digest,
      isManifest: boolean,
    ): Promise<boolean> => {
      if (!isManifest) return (await blobs.prefetch(repository, digest)) ?? true
      await manifests.refetch(repository, digest)
      await mirror.settle()
      return true
    },
    freshness,
    /** Resolves when everything that has been fetched so far is stored. */
    settle,
    /** Ends every fetch; what is on disk stays for the next start. */
    async close(): Promise<void> {
      prefetch.close()
      await flights.close()
      await mirror.settle()
      await manifestUses.settle()
    },
  }
}
