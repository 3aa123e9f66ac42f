/** The requests that a registry understands (distribution-spec 1.1, Endpoints), ready to be sent. Pure. */
import type { Digest } from '../protocol/digest.ts'
import { MAX_MANIFEST_BYTES } from '../protocol/manifest.ts'
import { formatImage, formatReference, type Reference } from '../protocol/name.ts'
import { formatRange, type WantedRange } from './blob-head.ts'
import { ACCEPTED_MANIFESTS } from './manifests.ts'
import { MAX_PAGE_BYTES } from './pages.ts'
import type { Ask } from './requester.ts'

/** Entries of a page of tags that are asked for: as many as distribution gives at most. */
const TAGS_PER_PAGE = 1000

/** Most bytes that are read of an answer that should have none. */
const NO_BODY_BYTES = 0

/** Whom to ask, and as whom. */
export interface AsksOptions {
  /** Name of the upstream, for messages. */
  readonly upstream: string
  /** Base URL of its API; `/v2/…` is appended. */
  readonly remote: URL
}

/** Makes the requests to one upstream. Names and references are sound already: they come from their parsers. */
export const createAsks = ({ upstream, remote }: AsksOptions) => {
  const base = `${remote.origin}${remote.pathname.replace(/\/+$/, '')}/v2`
  const url = (path: string) => new URL(`${base}/${path}`)

  const blob = (name: string, digest: Digest, wanted: WantedRange): Ask => {
    const range = formatRange(wanted)
    return {
      kind: 'blob',
      method: 'GET',
      name,
      url: url(`${name}/blobs/${digest}`),
      headers: { accept: '*/*', ...(range !== undefined && { range }) },
      what: `${upstream}, blob ${digest} of ${name}`,
      maxBytes: NO_BODY_BYTES,
    }
  }

  return {
    manifest: (method: 'GET' | 'HEAD', name: string, reference: Reference): Ask => ({
      kind: method === 'HEAD' ? 'head' : 'manifest',
      method,
      name,
      url: url(`${name}/manifests/${formatReference(reference)}`),
      headers: { accept: ACCEPTED_MANIFESTS },
      what: `${upstream}, manifest of ${formatImage(name, reference)}`,
      maxBytes: MAX_MANIFEST_BYTES,
    }),

    blob,

    blobHead: (name: string, digest: Digest): Ask => ({
      ...blob(name, digest, { from: 0, to: undefined }),
      kind: 'head',
      method: 'HEAD',
    }),

    /** Byte 0 of a blob, for what its answer's head tells. */
    blobProbe: (name: string, digest: Digest): Ask => ({
      ...blob(name, digest, { from: 0, to: 0 }),
      isHeadEnough: true,
    }),

    /** @param limit entries of the page; infinite: as many as the upstream likes */
    tags: (name: string, limit = TAGS_PER_PAGE): Ask => ({
      kind: 'list',
      method: 'GET',
      name,
      url: url(`${name}/tags/list${Number.isFinite(limit) ? `?n=${limit}` : ''}`),
      headers: { accept: 'application/json' },
      what: `${upstream}, tags of ${name}`,
      maxBytes: MAX_PAGE_BYTES,
    }),

    referrers: (name: string, subject: Digest): Ask => ({
      kind: 'list',
      method: 'GET',
      name,
      url: url(`${name}/referrers/${subject}`),
      headers: { accept: 'application/vnd.oci.image.index.v1+json, application/json' },
      what: `${upstream}, referrers of ${name}@${subject}`,
      maxBytes: MAX_PAGE_BYTES,
    }),
  }
}

/** What {@link createAsks} makes. */
export type Asks = ReturnType<typeof createAsks>
