/**
 * Referrers: the list of manifests whose `subject` is a given digest (distribution-spec 1.1, Listing Referrers), and
 * the tag that holds such a list where a registry has no such endpoint (Referrers Tag Schema).
 */
import { algorithmOf, type Digest, encodedOf } from './digest.ts'
import { type Manifest, MEDIA_TYPES } from './manifest.ts'
import type { Tag } from './name.ts'
import { compareBytes } from './page.ts'

/** An entry of the list: a descriptor as it travels. */
export interface Referrer {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
}

/**
 * The type by which a referrer is listed and filtered: its own, else that of an image's config; an index without its
 * own has none.
 */
const artifactTypeOf = (manifest: Manifest): string | undefined => {
  if (manifest.artifactType !== undefined) return manifest.artifactType
  return manifest.kind === 'image' && manifest.config.mediaType !== '' ? manifest.config.mediaType : undefined
}

/** The entry for a manifest that has a subject, stored under `digest`. */
export const toReferrer = (manifest: Manifest, digest: Digest, sizeBytes: number): Referrer => {
  const artifactType = artifactTypeOf(manifest)
  const { mediaType, annotations } = manifest
  return {
    mediaType,
    digest,
    size: sizeBytes,
    ...(annotations !== undefined && { annotations }),
    ...(artifactType !== undefined && { artifactType }),
  }
}

/** Those of the wanted types, where any are wanted; clients that repeat `?artifactType=` want any of them. */
export const filterReferrers = <T extends { readonly artifactType?: unknown }>(
  referrers: readonly T[],
  artifactTypes: readonly string[],
): readonly T[] =>
  artifactTypes.length === 0
    ? referrers
    : referrers.filter(
        ({ artifactType }) => typeof artifactType === 'string' && artifactTypes.includes(artifactType),
      )

/** The body of an answer: an index (`application/vnd.oci.image.index.v1+json`) of the given entries. */
export const formatReferrers = (referrers: readonly object[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: referrers })

/** Largest page of the list, in bytes of its entries: clients refuse an index of more than 4 MiB. */
export const MAX_PAGE_BYTES = 4_000_000

/** Deepest nesting of an entry that is listed: what an upstream nests deeper would overflow the stack of whoever writes it. */
const MAX_LEVELS = 20

const isShallow = (value: unknown, levels = MAX_LEVELS): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1)))

/** A page of the list, and the digest after which the next begins; `undefined`: it was the last. */
export interface ReferrersPage<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/**
 * Cuts a page out of the list, in the order of digests: as many entries as clients can take in one answer, but at
 * least one, so that nobody loops.
 * @param after a digest: the page begins strictly after it
 */
export const cutReferrers = <T extends { readonly digest: string }>(
  referrers: readonly T[],
  after?: string,
  maxBytes = MAX_PAGE_BYTES,
): ReferrersPage<T> => {
  const rest = referrers
    .filter(({ digest }) => after === undefined || compareBytes(digest, after) > 0)
    .sort((a, b) => compareBytes(a.digest, b.digest))
  const items: T[] = []
  let sizeBytes = 0
  for (const referrer of rest) {
    if (!isShallow(referrer)) continue
    sizeBytes += Buffer.byteLength(JSON.stringify(referrer)) + 1
    if (items.length > 0 && sizeBytes > maxBytes) return { items, next: items.at(-1)?.digest }
    items.push(referrer)
  }
  return { items, next: undefined }
}

/** Longest encoded part of a digest in a tag of the tag schema, in characters. */
const MAX_TAG_ENCODED = 64

/** The tag that holds the referrers of `subject` by the tag schema: `sha256-<hex>`, a sha512 cut to 64 characters. */
export const referrersTag = (subject: Digest): Tag =>
  `${algorithmOf(subject)}-${encodedOf(subject).slice(0, MAX_TAG_ENCODED)}` as Tag
