/** How much mirrored content has to go, by the figures of the store and the bounds of the configuration. Pure. */

const GIB = 2 ** 30

/** Part of a bound that is freed below it, so that not every blob that comes has to evict one; at most a GiB. */
const SLACK_SHARE = 0.05

/** The bounds; sizes in bytes. */
export interface Bounds {
  /** `cache.maxsize`. */
  readonly maxBytes: number | undefined
  /** `cache.minfree`, of a file system of so many bytes. */
  readonly minFreeBytes: (totalBytes: number) => number
  /** `upstreams.*.share`, by the upstream's name. */
  readonly shareBytes: ReadonlyMap<string, number>
}

/** The figures; sizes in bytes. */
export interface Figures {
  /** Mirrored content in the store; as long as that was not counted what has come since the start. */
  readonly mirroredBytes: number
  /** What is being fetched, whole, and what earlier fetches left. */
  readonly partialBytes: number
  /** What has still to be written of that. */
  readonly comingBytes: number
  /** Mirrored content and fetches of one upstream. */
  readonly bytesOf: (upstream: string) => number
  /** Absent where the store has no bound of its own. */
  readonly usage: { readonly totalBytes: number; readonly freeBytes: number } | undefined
}

/** What has to go. */
export interface Demand {
  /** Bytes over a bound. */
  readonly overBytes: number
  /** Bytes that are better evicted, some slack included. */
  readonly bytes: number
  /** Of this upstream alone. */
  readonly upstream?: string
}

const slackOf = (boundBytes: number): number => Math.min(boundBytes * SLACK_SHARE, GIB)

const demand = (overBytes: number, boundBytes: number): Demand | undefined =>
  overBytes > 0 ? { overBytes, bytes: Math.ceil(overBytes + slackOf(boundBytes)) } : undefined

/** What has to go of all upstreams, and of each; none: all is well. */
export const findDemands = (bounds: Bounds, figures: Figures): Demand[] => {
  const { maxBytes, minFreeBytes, shareBytes } = bounds
  const { mirroredBytes, partialBytes, comingBytes, usage, bytesOf } = figures
  const demands: Demand[] = []
  for (const [upstream, share] of shareBytes) {
    const found = demand(bytesOf(upstream) - share, share)
    if (found !== undefined) demands.push({ ...found, upstream })
  }
  const bySize =
    maxBytes === undefined ? undefined : demand(mirroredBytes + partialBytes - maxBytes, maxBytes)
  const minFree = usage === undefined ? 0 : minFreeBytes(usage.totalBytes)
  const byFree = usage && demand(minFree + comingBytes - usage.freeBytes, minFree)
  const [most] = [bySize, byFree].filter((each) => each !== undefined).sort((a, b) => b.bytes - a.bytes)
  if (most !== undefined) demands.push(most)
  return demands
}
