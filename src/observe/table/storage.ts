/** The store: what it holds, how long its driver takes, what memory spares it. */
import { LATER, type Make } from '../make.ts'

const ACTION_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Makes them. */
export const storageMetrics = ({ counter, gauge, histogram }: Make) => ({
  storeSize: gauge('entrepot_store_size_bytes', 'Size of the file system that the store is on'),
  storeFree: gauge('entrepot_store_free_bytes', 'Bytes free for the store on its file system'),
  storageSeconds: histogram(
    'registry_storage_action_seconds',
    'Time that actions of the storage driver took',
    ACTION_BOUNDS_S,
    { driver: LATER, action: LATER },
  ),
  cacheRequests: counter(
    'registry_storage_cache_requests_total',
    'Links of blobs and manifests that were looked for',
  ),
  cacheHits: counter(
    'registry_storage_cache_hits_total',
    'Links of blobs and manifests found in memory, without a look at the store',
  ),
  cacheErrors: counter(
    'registry_storage_cache_errors_total',
    'Failures of the memory of links: there are none',
  ),
  cacheByType: counter(
    'registry_storage_cache_total',
    'The same under the name of registry:2: requests, hits and misses of the memory of links',
    { type: ['Request', 'Hit', 'Miss'] },
  ),
})
