/** What keeps the store in order: garbage collection. */
import type { Make } from '../make.ts'

/** Makes them. */
export const keepMetrics = ({ counter, gauge }: Make) => ({
  collectedBlobs: counter(
    'entrepot_collected_blobs_total',
    'Blobs and manifests removed because nothing needed them any more',
  ),
  collectedBytes: counter('entrepot_collected_bytes_total', 'Bytes that the garbage collection freed'),
  collectLastRun: gauge(
    'entrepot_collect_last_run_timestamp_seconds',
    'End of the last garbage collection, in seconds since 1970',
  ),
})
