/** What the answers to manifest requests say (distribution-spec 1.1, Pulling manifests). Pure. */
import { algorithmOf, type Digest, digestOf, isDigest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { MEDIA_TYPES, mediaTypeOf } from '../protocol/manifest.ts'
import type { Reference } from '../protocol/name.ts'
import { contentLengthOf, headerOf, mediaTypeOfAnswer } from './answer.ts'
import type { Reply } from './reply.ts'
import { type FetchedManifest, type ManifestStat, UpstreamError } from './upstream.ts'

/** All types of manifest: a registry that misses one of them in `Accept` answers 404. Schema 1 is the last resort. */
export const ACCEPTED_MANIFESTS = [
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.schema1Signed,
  MEDIA_TYPES.schema1,
].join(', ')

/** Types that say nothing about a manifest: some registries and stores send them for every JSON, or for all bytes. */
const GENERIC_TYPES: ReadonlySet<string> = new Set([
  '',
  'application/json',
  'application/octet-stream',
  'binary/octet-stream',
  'text/plain',
])

const announcedDigest = (reply: Reply): Digest | undefined => {
  const text = headerOf(reply.headers, 'docker-content-digest')?.trim() ?? ''
  return isDigest(text) ? text : undefined
}

/** What the answer to a `HEAD` tells, or `undefined` where it does not tell enough. */
export const readManifestStat = (reply: Reply, reference: Reference): ManifestStat | undefined => {
  const digest = reference.kind === 'digest' ? reference.digest : announcedDigest(reply)
  const mediaType = mediaTypeOfAnswer(reply.headers)
  if (digest === undefined || GENERIC_TYPES.has(mediaType)) return undefined
  return { digest, mediaType, sizeBytes: contentLengthOf(reply.headers) }
}

const typeOf = (reply: Reply, what: string): string => {
  const mediaType = mediaTypeOfAnswer(reply.headers)
  if (!GENERIC_TYPES.has(mediaType)) return mediaType
  try {
    return mediaTypeOf(reply.bytes)
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw new UpstreamError(
      'status',
      `${what}: answered with what is no manifest (${mediaType || 'no type'})`,
      {
        status: reply.status,
        cause,
      },
    )
  }
}

/**
 * The manifest in an answer, its bytes verified against the digest that was asked for, or else the one announced.
 * @throws UpstreamError `corrupt` where they do not match, `status` where it is no manifest
 */
export const readManifest = (reply: Reply, reference: Reference, what: string): FetchedManifest => {
  const { bytes } = reply
  const expected = reference.kind === 'digest' ? reference.digest : announcedDigest(reply)
  const digest = digestOf(bytes, expected === undefined ? 'sha256' : algorithmOf(expected))
  if (expected !== undefined && digest !== expected)
    throw new UpstreamError('corrupt', `${what}: its bytes hash to ${digest}, not to ${expected}: not taken`)
  return { digest, mediaType: typeOf(reply, what), bytes }
}
