/** What the head of an answer to a blob request says about the bytes that follow (RFC 9110, 14). Pure. */
import type { IncomingHttpHeaders } from 'node:http'
import { parseContentRange } from '../protocol/range.ts'
import { contentLengthOf, headerOf } from './answer.ts'
import { UpstreamError } from './upstream.ts'

/** The bytes that were asked for: from the first, to the last inclusive, or to the end. */
export interface WantedRange {
  readonly from: number
  readonly to: number | undefined
}

/** `Range` for what is wanted, or `undefined` where that is the whole. */
export const formatRange = ({ from, to }: WantedRange): string | undefined =>
  from === 0 && to === undefined ? undefined : `bytes=${from}-${to ?? ''}`

/** Where the bytes of an answer begin in the blob, and how large that is. */
export interface BlobHead {
  readonly start: number
  readonly sizeBytes: number | undefined
}

/** An answer's head. */
interface Head {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

const corrupt = (what: string, problem: string): UpstreamError =>
  new UpstreamError('corrupt', `${what}: ${problem}: not taken`)

const readPart = ({ headers }: Head, { from, to }: WantedRange, what: string): BlobHead => {
  const text = headerOf(headers, 'content-range')
  const range = parseContentRange(text)
  if (range === undefined) throw corrupt(what, 'a 206 without a sound Content-Range')
  if (range.first !== from || range.last > (to ?? range.last))
    throw corrupt(what, `asked for bytes from ${from}${to === undefined ? '' : ` to ${to}`}, got "${text}"`)
  const lengthBytes = contentLengthOf(headers) ?? range.last + 1 - range.first
  if (lengthBytes !== range.last + 1 - range.first)
    throw corrupt(what, `Content-Length ${lengthBytes} contradicts "${text}"`)
  return { start: range.first, sizeBytes: range.sizeBytes }
}

/**
 * Reads the head of a 2xx answer to a `GET` of a blob. A 200 to a range is the whole from byte 0.
 * @throws UpstreamError `corrupt` where it does not fit what was asked, `status` for another 2xx
 */
export const readBlobHead = (head: Head, wanted: WantedRange, what: string): BlobHead => {
  const { status } = head
  if (status === 200) return { start: 0, sizeBytes: contentLengthOf(head.headers) }
  if (status !== 206) throw new UpstreamError('status', `${what}: answered ${status} to a GET`, { status })
  if (formatRange(wanted) === undefined) throw corrupt(what, 'a part, though the whole was asked for')
  return readPart(head, wanted, what)
}
