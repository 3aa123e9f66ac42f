/**
 * Byte ranges: `Range` and `Content-Range` of RFC 9110, and the unit-less `Content-Range` of a chunked upload
 * (distribution-spec 1.1, Pushing a blob in chunks). Offsets are bytes, both ends inclusive.
 */

/** A part of a blob: first and last byte, both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** What a `Range` header asks of a blob of known size. */
export type RangeRequest =
  | { readonly kind: 'whole' }
  | ({ readonly kind: 'part' } & ByteRange)
  | { readonly kind: 'unsatisfiable' }

// Blanks only around the range (RFC 9110, 14.1.2): two neighbours that may both be blanks cost quadratic time.
const SINGLE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

const toOffset = (digits: string): number => {
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : Number.MAX_SAFE_INTEGER
}

/**
 * What `Range: header` asks of `sizeBytes` bytes (RFC 9110, 14.2). Another unit, a malformed header and a list of
 * several ranges are answered whole, which the RFC allows and every client of several ranges copes with. An end beyond
 * the size is clipped; an inverted range or a start beyond the end is unsatisfiable. Of no bytes at all nothing can be
 * a part: they are answered whole, as Go's file server (and so distribution) does for clients that always send a range.
 */
export const parseRange = (header: string | undefined, sizeBytes: number): RangeRequest => {
  if (header === undefined || sizeBytes === 0) return { kind: 'whole' }
  const match = SINGLE.exec(header)
  const from = match?.[1] ?? ''
  const to = match?.[2] ?? ''
  if (from === '' && to === '') return { kind: 'whole' }
  if (from === '') {
    const suffix = toOffset(to)
    if (suffix === 0) return { kind: 'unsatisfiable' }
    return { kind: 'part', first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 }
  }
  const first = toOffset(from)
  const last = to === '' ? sizeBytes - 1 : Math.min(toOffset(to), sizeBytes - 1)
  if (first > last) return { kind: 'unsatisfiable' }
  return { kind: 'part', first, last }
}

/** A `Content-Range` of an answer: `bytes 0-99/1234`, the size `undefined` where it says `*`. */
export interface ContentRange extends ByteRange {
  readonly sizeBytes: number | undefined
}

const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i

/** The `Content-Range` of a 206, or `undefined` where it is missing, malformed or contradicts itself. */
export const parseContentRange = (header: string | undefined): ContentRange | undefined => {
  const match = CONTENT_RANGE.exec(header ?? '')
  if (match === null) return undefined
  const first = Number(match[1])
  const last = Number(match[2])
  const sizeBytes = match[3] === '*' ? undefined : Number(match[3])
  const isWithin = sizeBytes === undefined || (last < sizeBytes && Number.isSafeInteger(sizeBytes))
  return Number.isSafeInteger(last) && first <= last && isWithin ? { first, last, sizeBytes } : undefined
}

/** `Content-Range` as a 206 sends it. */
export const formatContentRange = (range: ByteRange, sizeBytes: number): string =>
  `bytes ${range.first}-${range.last}/${sizeBytes}`

const CHUNK_RANGE = /^(\d+)-(\d+)$/

/** The `Content-Range` of an upload's chunk: no unit, `0-1023`. `undefined` where it is malformed. */
export const parseChunkRange = (header: string): ByteRange | undefined => {
  const match = CHUNK_RANGE.exec(header)
  if (match === null) return undefined
  const first = Number(match[1])
  const last = Number(match[2])
  return Number.isSafeInteger(last) && first <= last ? { first, last } : undefined
}
