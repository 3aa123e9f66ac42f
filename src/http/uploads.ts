/** Upload endpoints (distribution-spec 1.1, Pushing blobs): parse, call, reply. */
import { type Digest, type DigestAlgorithm, isDigest, parseDigest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { parseChunkRange } from '../protocol/range.ts'
import type { Claims } from '../push/claim.ts'
import type { Mounts } from '../push/mount.ts'
import type { Chunk, Uploads } from '../push/upload.ts'
import { formatUploadState, parseUploadState, type UploadState } from '../push/upload-state.ts'
import { type GuardedContext, queryValue } from './context.ts'
import { BLOB_MEDIA_TYPE, type Notify } from './events.ts'
import type { GuardedRoute } from './guard.ts'
import { type Locate, replyEmpty } from './reply.ts'

/** What the endpoints work with. */
export interface UploadRoutesOptions {
  readonly uploads: Uploads
  readonly mounts: Mounts
  readonly claims: Claims
  readonly locate: Locate
  readonly notify: Notify
  /** Gives what signs locations (`http.secret`). */
  readonly secret: () => Promise<string>
}

/** The bytes of an upload so far, as its headers tell them: nothing at all is `0-0`, too. */
const rangeOf = ({ offset }: UploadState): string => `0-${Math.max(0, offset - 1)}`

const parseAlgorithm = (text: string | undefined): DigestAlgorithm => {
  if (text === undefined || text === 'sha256' || text === 'sha512') return text ?? 'sha256'
  throw new RegistryError('DIGEST_INVALID', {
    message: 'unsupported digest algorithm: use sha256 or sha512',
    detail: { algorithm: text.slice(0, 80) },
  })
}

/** The body of a request, and where it says that it belongs. @throws RegistryError `SIZE_INVALID`, `RANGE_INVALID` */
const readChunk = (ctx: GuardedContext): Chunk => {
  const header = ctx.get('Content-Range')
  const range = header === '' ? undefined : parseChunkRange(header)
  if (header !== '' && range === undefined)
    throw new RegistryError('RANGE_INVALID', {
      message: 'the Content-Range of a chunk is <first>-<last>, both inclusive, without a unit',
    })
  const length = ctx.get('Content-Length')
  if (range !== undefined && length !== '' && Number(length) !== range.last - range.first + 1)
    throw new RegistryError('SIZE_INVALID', { message: 'Content-Length and Content-Range disagree' })
  return { body: ctx.req, range }
}

/** The endpoints of uploads. */
export const createUploadRoutes = (options: UploadRoutesOptions) => {
  const { uploads, mounts, claims, locate, notify, secret } = options

  const uploadHeaders = async (ctx: GuardedContext, state: UploadState): Promise<Record<string, string>> => {
    const signed = formatUploadState(await secret(), state)
    return {
      Location: locate(ctx, `blobs/uploads/${state.id}?_state=${signed}`),
      Range: rangeOf(state),
      'Docker-Upload-UUID': state.id,
    }
  }

  const replyUpload = async (ctx: GuardedContext, status: number, state: UploadState): Promise<void> => {
    ctx.set(await uploadHeaders(ctx, state))
    replyEmpty(ctx, status)
  }

  const replyBlob = (ctx: GuardedContext, digest: Digest): void => {
    ctx.set({ Location: locate(ctx, `blobs/${digest}`), 'Docker-Content-Digest': digest })
    replyEmpty(ctx, 201)
  }

  const outOfOrder = async (ctx: GuardedContext, state: UploadState): Promise<RegistryError> =>
    new RegistryError('RANGE_INVALID', {
      message: `the chunk does not begin where the upload ends, at byte ${state.offset}, or another request is writing: nothing was stored`,
      headers: await uploadHeaders(ctx, state),
    })

  const readState = async (ctx: GuardedContext): Promise<UploadState> => {
    claims.requirePush()
    const state = parseUploadState(await secret(), queryValue(ctx.query._state) ?? '')
    if (state !== undefined && state.id === ctx.params.id && state.name === ctx.state.repository.name)
      return state
    throw new RegistryError('BLOB_UPLOAD_INVALID', {
      message: 'blob upload invalid: the location is not one that this registry gave for this repository',
    })
  }

  const mount = async (ctx: GuardedContext): Promise<boolean> => {
    const digest = queryValue(ctx.query.mount)
    const { findPullable, repository } = ctx.state
    if (digest === undefined || !isDigest(digest) || findPullable === undefined) return false
    const mounted = await mounts.mount(repository, digest, queryValue(ctx.query.from), findPullable)
    if (mounted === undefined) return false
    const { sizeBytes, from: fromRepository } = mounted
    const target = { digest, mediaType: BLOB_MEDIA_TYPE, sizeBytes, fromRepository, tag: undefined }
    notify(ctx, { action: 'mount', type: 'blob', ...target })
    replyBlob(ctx, digest)
    return true
  }

  const pushed = (ctx: GuardedContext, digest: Digest, sizeBytes: number): void => {
    const target = { digest, mediaType: BLOB_MEDIA_TYPE, sizeBytes, tag: undefined }
    notify(ctx, { action: 'push', type: 'blob', ...target })
    replyBlob(ctx, digest)
  }

  /** `POST /v2/<name>/blobs/uploads/`: begins an upload, mounts a blob, or takes a whole one. */
  const startUpload: GuardedRoute = async (ctx) => {
    claims.requirePush()
    if (await mount(ctx)) return
    const { repository } = ctx.state
    const whole = queryValue(ctx.query.digest)
    if (whole !== undefined) {
      const { digest, sizeBytes } = await uploads.put(repository, readChunk(ctx), parseDigest(whole))
      return pushed(ctx, digest, sizeBytes)
    }
    const algorithm = parseAlgorithm(queryValue(ctx.query['digest-algorithm']))
    await replyUpload(ctx, 202, await uploads.start(repository, algorithm))
  }

  /** `GET` of an upload's location: how far it has come. */
  const getUpload: GuardedRoute = async (ctx) => {
    await replyUpload(ctx, 204, await uploads.find(await readState(ctx)))
  }

  /** `PATCH`: appends a chunk, or a stream of any length. */
  const appendUpload: GuardedRoute = async (ctx) => {
    const appended = await uploads.append(await readState(ctx), readChunk(ctx))
    if (appended.kind === 'out-of-order') throw await outOfOrder(ctx, appended.upload)
    await replyUpload(ctx, 202, appended.upload)
  }

  /** `PUT`: the last chunk, if there is one, and the digest of the whole. */
  const finishUpload: GuardedRoute = async (ctx) => {
    const state = await readState(ctx)
    const digest = parseDigest(queryValue(ctx.query.digest) ?? '')
    const finished = await uploads.finish(state, readChunk(ctx), digest)
    if (finished.kind === 'out-of-order') throw await outOfOrder(ctx, finished.upload)
    pushed(ctx, digest, finished.blob.sizeBytes)
  }

  /** `DELETE`: throws the upload away. */
  const cancelUpload: GuardedRoute = async (ctx) => {
    await uploads.cancel(await readState(ctx))
    replyEmpty(ctx, 204)
  }

  return { startUpload, getUpload, appendUpload, finishUpload, cancelUpload }
}
