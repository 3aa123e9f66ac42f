/** What keeps the store in order: the disk budget, garbage collection, verification. */
import type { Make } from '../make.ts'

const HOUR_S = 3600
const DAY_S = 24 * HOUR_S
const UNUSED_BOUNDS_S = [60, 600, HOUR_S, 6 * HOUR_S, DAY_S, 3 * DAY_S, 7 * DAY_S, 30 * DAY_S, 90 * DAY_S]

/** Whose copy was rotten. */
const ROT_KINDS = ['mirrored', 'local'] as const

/** Makes them. */
export const keepMetrics = ({ counter, gauge, histogram }: Make) => ({
  cacheSize: gauge('entrepot_cache_size_bytes', 'Size of the mirrored content, partial files included'),
  cacheLimit: gauge(
    'entrepot_cache_limit_bytes',
    'Size that mirrored content may have, +Inf where only the free space bounds it',
  ),
  cacheMinFree: gauge(
    'entrepot_cache_minimum_free_bytes',
    'Bytes of its file system that mirrored content leaves free',
  ),
  evictedBlobs: counter('entrepot_evicted_blobs_total', 'Mirrored layers evicted to keep the disk budget'),
  evictedBytes: counter('entrepot_evicted_bytes_total', 'Bytes evicted to keep the disk budget'),
  evictedUnused: histogram(
    'entrepot_evicted_unused_seconds',
    'Time between the last use of a layer and its eviction',
    UNUSED_BOUNDS_S,
    {},
  ),
  expired: counter(
    'entrepot_expired_links_total',
    'Mirrored manifests and blobs dropped since nobody used them',
    {
      type: ['blob', 'manifest'],
    },
  ),
  collectedBlobs: counter(
    'entrepot_collected_blobs_total',
    'Blobs and manifests removed because nothing needed them any more',
  ),
  collectedBytes: counter('entrepot_collected_bytes_total', 'Bytes that the garbage collection freed'),
  collectLastRun: gauge(
    'entrepot_collect_last_run_timestamp_seconds',
    'End of the last garbage collection, in seconds since 1970',
  ),
  scrubbedBlobs: counter('entrepot_scrubbed_blobs_total', 'Blobs and manifests that the scrub has read'),
  scrubbedBytes: counter('entrepot_scrubbed_bytes_total', 'Bytes that the scrub has read'),
  scrubProgress: gauge(
    'entrepot_scrub_progress_ratio',
    'How much of the store the scrub has read, from 0 to 1; 1 from its end until the next one begins',
  ),
  scrubLastRun: gauge(
    'entrepot_scrub_last_run_timestamp_seconds',
    'End of the last whole scrub, in seconds since 1970',
  ),
  rottenBlobs: counter(
    'entrepot_rotten_blobs_total',
    'Blobs and manifests whose bytes were not what their digest says: mirrored, or pushed here (local)',
    { kind: ROT_KINDS },
  ),
  repairedBlobs: counter(
    'entrepot_repaired_blobs_total',
    'Of the rotten ones those that were replaced at once by what an upstream has',
    { kind: ROT_KINDS },
  ),
  mendedReads: counter(
    'entrepot_mended_reads_total',
    'Answers whose stored bytes broke off and that went on with those of the upstream',
  ),
  quarantinedBlobs: gauge(
    'entrepot_quarantined_blobs',
    'Pushed blobs that were put aside since their bytes were wrong, and that nothing has replaced yet',
  ),
})
