/**
 * Looking through all blobs of the store, a bucket at a time: how many bytes are mirrored, and which blobs were used least
 * lately. What is protected is neither counted nor given; manifests and configs are counted and not given, since evicting
 * them frees nothing and costs the answers that an outage needs.
 */
import { type Digest, encodedOf, isDigest } from '../protocol/digest.ts'
import type { MirroredSize } from '../store/mirrored-size.ts'
import { BUCKETS, blobKey, bucketPrefix } from '../store/paths.ts'
import type { BucketUses, UseStore } from '../store/uses.ts'
import type { Candidate } from './candidates.ts'
import type { DigestFilter } from './digest-filter.ts'
import { filterProtected, type ProtectParts } from './protect.ts'

/** Blobs looked at at once. */
const LANES = 8
/** Largest document, in bytes: no manifest or config is larger. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
/** What a document begins with; no layer does, be it packed or not. */
const BRACE = 0x7b
/** How often a bucket is counted that changes meanwhile. */
const TRIES = 3
/** Uses of blobs that are gone, in one bucket, before they are forgotten. */
const MAX_FORGOTTEN = 64

/** What is looked through. */
export interface SurveyParts extends ProtectParts {
  readonly uses: UseStore
  readonly mirroredSize: MirroredSize
}

/**
 * Looks through the store.
 * @param onCandidate told of each blob that may be evicted as far as can be seen here; of some more than once
 * @throws StorageError, the signal's reason
 */
export const surveyStore = async (
  parts: SurveyParts,
  onCandidate: (candidate: Candidate) => void,
  signal?: AbortSignal,
): Promise<void> => {
  const isProtected = await filterProtected(parts, signal)
  for (const bucket of BUCKETS) {
    signal?.throwIfAborted()
    await surveyBucket(parts, bucket, isProtected, onCandidate)
  }
}

const surveyBucket = async (
  parts: SurveyParts,
  bucket: string,
  isProtected: DigestFilter,
  onCandidate: (candidate: Candidate) => void,
): Promise<void> => {
  const { driver, mirroredSize, uses } = parts
  const known = await uses.read(bucket)
  for (let tried = 1; ; tried += 1) {
    const changes = mirroredSize.changesOf(bucket)
    const digests = (await driver.list(bucketPrefix(bucket))).map((hex) => `sha256:${hex}`).filter(isDigest)
    const bytesByUpstream = new Map<string | undefined, number>()
    await inLanes(
      digests.filter((digest) => !isProtected.has(digest) && !mirroredSize.isArriving(digest)),
      async (digest) => {
        const candidate = await look(parts, digest, known)
        if (candidate === undefined) return
        const { upstream, sizeBytes } = candidate
        bytesByUpstream.set(upstream, (bytesByUpstream.get(upstream) ?? 0) + sizeBytes)
        if (candidate.isLayer) onCandidate(candidate)
      },
    )
    if (changes !== mirroredSize.changesOf(bucket) && tried < TRIES) continue
    mirroredSize.setBucket(bucket, bytesByUpstream)
    return forget(parts, bucket, known, digests)
  }
}

const look = async (
  { driver, uses }: SurveyParts,
  digest: Digest,
  known: BucketUses,
): Promise<(Candidate & { readonly isLayer: boolean }) | undefined> => {
  const found = await driver.stat(blobKey(digest))
  if (found === undefined) return undefined
  const use = known.get(digest)
  const { sizeBytes, modifiedAtMs } = found
  const kind = use?.kind ?? ((await isDocument({ driver }, digest, sizeBytes)) ? 'document' : 'layer')
  if (use?.kind === undefined) uses.describe(digest, { kind })
  return {
    digest,
    sizeBytes,
    // Where nothing was noted, it was not used since it came.
    usedAtMs: Math.max(use?.usedAtMs ?? 0, modifiedAtMs),
    upstream: use?.upstream,
    isLayer: kind === 'layer',
  }
}

/** Whether a blob of which nothing was noted is a manifest or a config, by how it begins. */
const isDocument = async (
  { driver }: Pick<SurveyParts, 'driver'>,
  digest: Digest,
  sizeBytes: number,
): Promise<boolean> => {
  if (sizeBytes > MAX_DOCUMENT_BYTES) return false
  const file = await driver.open(blobKey(digest))
  try {
    const first = Buffer.alloc(1)
    return (await file?.read(first, 0, 1)) === 1 && first[0] === BRACE
  } finally {
    await file?.close()
  }
}

const forget = async (
  { uses }: SurveyParts,
  bucket: string,
  known: BucketUses,
  digests: readonly Digest[],
): Promise<void> => {
  const there = new Set(digests)
  let gone = 0
  for (const [digest] of known.entries()) if (!there.has(digest)) gone += 1
  if (gone < Math.max(MAX_FORGOTTEN, digests.length)) return
  const hexes = new Set(digests.map(encodedOf))
  await uses.retain(bucket, (hex) => hexes.has(hex))
}

const inLanes = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const waiting = items.values()
  const lane = async (): Promise<void> => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}
