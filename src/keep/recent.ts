/** Which blobs were used not long ago, as a filter: yes may be wrong, no is certain. */
import { BUCKETS } from '../store/paths.ts'
import type { UseStore } from '../store/uses.ts'
import { DigestFilter } from './digest-filter.ts'

/** What is written of a use is rounded down to a minute, in milliseconds. */
const ROUNDING_MS = 60_000

/** The blobs whose last use is `sinceMs` (milliseconds since the epoch) or later. @throws StorageError */
export const filterRecent = async (uses: UseStore, sinceMs: number): Promise<DigestFilter> => {
  const filter = new DigestFilter()
  for (const bucket of BUCKETS)
    for (const [digest, { usedAtMs }] of (await uses.read(bucket)).entries())
      if (usedAtMs >= sinceMs - ROUNDING_MS) filter.add(digest)
  return filter
}
