/** Blob endpoints: parse, call, reply. */
import { parseDigest } from '../protocol/digest.ts'
import type { BlobPull } from '../pull/blob.ts'
import type { Deletes } from '../push/delete.ts'
import type { BufferPool } from './buffers.ts'
import { BLOB_MEDIA_TYPE, type Notify } from './events.ts'
import type { GuardedRoute } from './guard.ts'
import { replyEmpty } from './reply.ts'
import { isNotModified, replyWithoutBlob, sendBlob } from './send.ts'

/** `HEAD /v2/<name>/blobs/<digest>` (distribution-spec 1.1, Checking if content exists). */
export const headBlob =
  (pull: BlobPull): GuardedRoute =>
  async (ctx) => {
    const digest = parseDigest(ctx.params.digest ?? '')
    const sizeBytes = await pull.stat(ctx.state.repository, digest)
    replyWithoutBlob(ctx, isNotModified(ctx, digest) ? 304 : 200, digest, sizeBytes)
  }

/** `GET /v2/<name>/blobs/<digest>` (distribution-spec 1.1, Pulling blobs). */
export const getBlob =
  (pull: BlobPull, pool: BufferPool, notify: Notify): GuardedRoute =>
  async (ctx) => {
    const digest = parseDigest(ctx.params.digest ?? '')
    const { address } = ctx.state.client
    const client = { address, wantsPart: ctx.req.headers.range !== undefined }
    const pulled = await pull.open(ctx.state.repository, digest, client)
    const { blob, answer, openAhead } = pulled
    ctx.state.answer = answer
    ctx.state.digest = digest
    if (isNotModified(ctx, digest)) {
      replyWithoutBlob(ctx, 304, digest, undefined)
      await blob.close()
      return
    }
    const openFar: typeof openAhead = (first, last) => {
      const ahead = openAhead(first, last)
      if (ahead !== undefined) ctx.state.answer = 'uncached'
      return ahead
    }
    if (!(await sendBlob(ctx, { digest, blob, openAhead: openFar }, pool))) return
    if (ctx.res.statusCode === 200) pull.noteGiven(digest, pulled, address)
    const target = { digest, tag: undefined, mediaType: BLOB_MEDIA_TYPE, sizeBytes: blob.sizeBytes }
    notify(ctx, { action: 'pull', type: 'blob', ...target })
  }

/** `DELETE /v2/<name>/blobs/<digest>` (distribution-spec 1.1, Deleting Blobs). */
export const deleteBlob =
  (deletes: Deletes, notify: Notify): GuardedRoute =>
  async (ctx) => {
    const digest = parseDigest(ctx.params.digest ?? '')
    await deletes.deleteBlob(ctx.state.repository, digest)
    const target = { digest, tag: undefined, mediaType: undefined, sizeBytes: undefined }
    notify(ctx, { action: 'delete', type: 'blob', ...target })
    replyEmpty(ctx, 202)
  }
