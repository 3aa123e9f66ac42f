/** When blobs were last used, for a few of them: each table of uses is read once. */
import type { Digest } from '../protocol/digest.ts'
import { bucketOf } from '../store/paths.ts'
import type { UseStore } from '../store/uses.ts'

/** Last uses in milliseconds since the epoch, of those of which one is known. @throws StorageError */
export const findUses = async (
  uses: Pick<UseStore, 'read'>,
  digests: Iterable<Digest>,
): Promise<Map<Digest, number>> => {
  const byBucket = new Map<string, Digest[]>()
  for (const digest of digests)
    byBucket.set(bucketOf(digest), [...(byBucket.get(bucketOf(digest)) ?? []), digest])
  const found = new Map<Digest, number>()
  for (const [bucket, wanted] of byBucket) {
    const known = await uses.read(bucket)
    for (const digest of wanted) {
      const usedAtMs = known.get(digest)?.usedAtMs ?? 0
      if (usedAtMs > 0) found.set(digest, usedAtMs)
    }
  }
  return found
}
