/**
 * An open blob → an HTTP answer: `Range`, `HEAD`, `ETag`, 304, 416 (distribution-spec 1.1, Pulling blobs; RFC 9110). Two
 * buffers in turn, the next read under way while the last is written, no stream objects in between: the fastest way that
 * was measured. Knows nothing of where the bytes come from.
 */
import type { ServerResponse } from 'node:http'
import { RegistryError } from '../protocol/error.ts'
import { formatContentRange, parseRange } from '../protocol/range.ts'
import type { OpenBlob } from '../pull/open-blob.ts'
import type { BufferPool } from './buffers.ts'
import type { Context } from './context.ts'
import { replyAtOnce } from './reply.ts'
import { Turns } from './turns.ts'

/** First read of a transfer, in bytes: a small one, so that the first byte does not wait for a large one. */
const FIRST_READ_BYTES = 64 * 1024
/** Each read may be so many times the last: of transfers that begin together none takes what is meant for a few. */
const GROWTH = 4

/** Immutable content by digest may be kept for a year (seconds), as distribution says. */
const CACHE_CONTROL = 'max-age=31536000'

/** Whether `If-None-Match` names this digest, quoted, weak or bare. */
export const isNotModified = (ctx: Context, digest: string): boolean => {
  const header = ctx.req.headers['if-none-match']
  if (header === undefined) return false
  return header.split(',').some((part) => part.trim().replace(/^W\//, '').replaceAll('"', '') === digest)
}

/** The headers of a blob by digest, apart from its length: names and values in turn. */
const blobFields = (digest: string): string[] => [
  'Content-Type',
  'application/octet-stream',
  'Docker-Content-Digest',
  digest,
  'ETag',
  `"${digest}"`,
  'Accept-Ranges',
  'bytes',
  'Cache-Control',
  CACHE_CONTROL,
]

/** Answers a `HEAD`, or a request whose client has the blob already. */
export const replyWithoutBlob = (
  ctx: Context,
  status: 200 | 304,
  digest: string,
  sizeBytes: number | undefined,
): void => {
  const length = status === 304 || sizeBytes === undefined ? [] : ['Content-Length', String(sizeBytes)]
  replyAtOnce(ctx, status, [...blobFields(digest), ...length], undefined)
}

/** The part of a blob that is answered: `[first, end)`, and the head that goes with it. */
interface Part {
  readonly status: 200 | 206
  readonly first: number
  readonly end: number
  readonly fields: readonly string[]
}

/** What a request wants of a blob. @throws RegistryError 416 */
const choosePart = (ctx: Context, digest: string, sizeBytes: number | undefined): Part => {
  const fields = blobFields(digest)
  if (sizeBytes === undefined) return { status: 200, first: 0, end: Number.POSITIVE_INFINITY, fields }
  const { range: header = '', 'if-range': condition } = ctx.req.headers
  const isForThis = condition === undefined || condition === `"${digest}"`
  const range = parseRange(isForThis ? header : '', sizeBytes)
  if (range.kind === 'unsatisfiable')
    throw new RegistryError('RANGE_INVALID', {
      message: 'the requested range is not within the blob',
      headers: { 'Content-Range': `bytes */${sizeBytes}` },
    })
  if (range.kind === 'whole') {
    fields.push('Content-Length', String(sizeBytes))
    return { status: 200, first: 0, end: sizeBytes, fields }
  }
  const { first, last } = range
  fields.push(
    'Content-Range',
    formatContentRange(range, sizeBytes),
    'Content-Length',
    String(last + 1 - first),
  )
  return { status: 206, first, end: last + 1, fields }
}

/** Writes to an answer, and notices when its connection is gone: Node does not always call back then. */
class Outlet {
  readonly #res: ServerResponse
  #settle: ((isSent: boolean) => void) | undefined

  constructor(res: ServerResponse) {
    this.#res = res
    res.once('close', () => this.#settle?.(false))
  }

  /** Resolves when the bytes have been handed to the kernel (`true`), or the connection is gone. */
  write(bytes: Uint8Array, isLast: boolean): Promise<boolean> {
    if (this.#res.destroyed || this.#res.socket?.destroyed !== false) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#settle = resolve
      if (isLast) this.#res.end(bytes, () => resolve(true))
      else this.#res.write(bytes, (error) => resolve(error == null))
    })
  }
}

const turns = new Turns()

/** Copies a part of a blob into an answer, whose head is written once the first bytes are there. @returns bytes sent */
const copy = async (
  ctx: Context,
  blob: OpenBlob,
  { status, first, end, fields }: Part,
  pool: BufferPool,
): Promise<number> => {
  const outlet = new Outlet(ctx.res)
  let position = first
  let size = Math.min(FIRST_READ_BYTES, pool.sizeBytes)
  let written = Promise.resolve(true)
  let inFlight: Buffer | undefined
  /** A buffer goes back only when nothing is written from it any more. @returns whether the connection is still there */
  const settle = async (): Promise<boolean> => {
    const isSent = await written
    if (inFlight !== undefined && isSent) pool.give(inFlight)
    inFlight = undefined
    return isSent
  }
  while (position < end) {
    if (pool.isCrowded && !(await settle())) return position - first
    const buffer = pool.take(size)
    let length: number
    try {
      length = await blob.read(buffer, position, Math.min(size, end - position))
    } catch (error) {
      // Whoever ends the connection for it would drop what has not left yet, and the answer's head with it.
      await settle()
      throw error
    }
    if (!(await settle()) || length === 0) return position - first
    if (pool.isShared) await turns.take(length)
    if (position === first) ctx.state.common.write(ctx.res, status, fields)
    position += length
    // Before the last write: the connection may be done with the answer before anybody here hears of it.
    ctx.state.sentBytes = position - first
    inFlight = buffer
    written = outlet.write(length === buffer.length ? buffer : buffer.subarray(0, length), position === end)
    size = Math.min(size * GROWTH, pool.sizeBytes)
  }
  await settle()
  return position - first
}

/** A blob to be sent. */
export interface BlobToSend {
  /** Under which it was asked for. */
  readonly digest: string
  readonly blob: OpenBlob
  /** A part that is not near in `blob`, from elsewhere. */
  readonly openAhead: (first: number, last: number) => OpenBlob | undefined
}

/**
 * Sends a blob, or the part of it that the request asks for, and closes it.
 * @returns whether the client was given all that it asked for; resolves when the last byte is handed on
 */
export const sendBlob = async (ctx: Context, sent: BlobToSend, pool: BufferPool): Promise<boolean> => {
  const { digest, blob, openAhead } = sent
  let source = blob
  try {
    const part = choosePart(ctx, digest, blob.sizeBytes)
    const { status, first, end, fields } = part
    if (blob.bytes !== undefined) {
      replyAtOnce(ctx, status, fields, blob.bytes.subarray(first, end))
      return true
    }
    if (status === 206) source = openAhead(first, end - 1) ?? blob
    ctx.respond = false
    pool.enter()
    const bytes = await copy(ctx, source, part, pool).finally(() => pool.leave())
    if (!ctx.res.headersSent) ctx.state.common.write(ctx.res, status, fields)
    // An answer that is shorter than it said must not look like a whole one.
    const isWhole = end === Number.POSITIVE_INFINITY || first + bytes >= end
    if (isWhole) ctx.res.end()
    else ctx.res.destroy()
    return isWhole
  } finally {
    if (source !== blob) await source.close()
    await blob.close()
  }
}
