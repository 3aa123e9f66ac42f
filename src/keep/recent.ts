/** Which blobs were used not long ago, as a filter: yes may be wrong, no is certain. */
import { BUCKETS } from '../store/paths.ts'
import type { UseStore } from '../store/uses.ts'
import { DigestFilter } from './digest-filter.ts'

/** What is written of a use is rounded down to a minute, in milliseconds; what this process knows is exact. */
const ROUNDING_MS = 60_000

/** The latest time that a use may stand for: one of whole minutes was rounded, or may have been. */
const latest = (usedAtMs: number): number =>
  usedAtMs % ROUNDING_MS === 0 ? usedAtMs + ROUNDING_MS : usedAtMs

/** The blobs whose last use is `sinceMs` (milliseconds since the epoch) or later. @throws StorageError */
export const filterRecent = async (uses: UseStore, sinceMs: number): Promise<DigestFilter> => {
  const filter = new DigestFilter()
  for (const bucket of BUCKETS)
    for (const [digest, { usedAtMs }] of (await uses.read(bucket)).entries())
      if (latest(usedAtMs) >= sinceMs) filter.add(digest)
  return filter
}
