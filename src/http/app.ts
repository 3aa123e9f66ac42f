/**
 * The registry API (distribution-spec 1.1, Endpoints): middlewares in order, then the route table. Names, tags and digests
 * are parsed in the handlers, after the router has decoded the path.
 */
import type { RequestListener } from 'node:http'
import type Router from '@koa/router'
import Koa, { type Middleware, type ParameterizedContext } from 'koa'
import type { OnEvent } from '../notify/event.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { RegistryError } from '../protocol/error.ts'
import type { BlobPull } from '../pull/blob.ts'
import type { Catalog } from '../pull/catalog.ts'
import type { ListingPull } from '../pull/listing.ts'
import type { ManifestPull } from '../pull/manifest.ts'
import type { Claims } from '../push/claim.ts'
import type { Deletes } from '../push/delete.ts'
import type { ManifestPush } from '../push/manifest.ts'
import type { Mounts } from '../push/mount.ts'
import type { Uploads } from '../push/upload.ts'
import type { AccessLog } from './access-log.ts'
import { deleteBlob, getBlob, headBlob } from './blobs.ts'
import { BufferPool } from './buffers.ts'
import { CommonHeaders } from './common-headers.ts'
import type { Context, RequestState } from './context.ts'
import { writeErrors } from './errors.ts'
import { createNotify, type Notify } from './events.ts'
import type { ReadSource } from './forwarded.ts'
import type { Action, Admit, Guard, GuardedRoute } from './guard.ts'
import { listCatalog, listReferrers, listTags } from './listings.ts'
import {
  deleteManifest,
  getManifest,
  type ManifestReads,
  type PurgeRoute,
  putManifest,
  repeatManifest,
} from './manifests.ts'
import { createLabel, createMeasure, type Label } from './measure.ts'
import { answerOtherMethods } from './other-methods.ts'
import type { Repeats } from './repeats.ts'
import { createLocate } from './reply.ts'
import { createRouter } from './router.ts'
import { getJwks, getToken, postToken, type TokenService } from './tokens.ts'
import { createUploadRoutes } from './uploads.ts'

/** What takes pushes and deletes. */
export interface PushServices {
  readonly claims: Claims
  readonly uploads: Uploads
  readonly mounts: Mounts
  readonly manifests: ManifestPush
  readonly deletes: Deletes
  /** Gives what signs the locations of uploads (`http.secret`). */
  readonly secret: () => Promise<string>
  /** `storage.maintenance.readonly`: nothing is taken and nothing deleted. */
  readonly isReadOnly: boolean
}

/** What the API is made of. */
export interface AppOptions {
  readonly manifests: ManifestPull
  readonly repeats: Repeats
  readonly blobs: BlobPull
  readonly listings: ListingPull
  readonly catalog: Catalog
  readonly push: PushServices
  /** A `DELETE` of what is mirrored. */
  readonly purge: PurgeRoute
  /** Told of every pull, push, mount and delete; `undefined`: nobody wants to know. */
  readonly onEvent: OnEvent | undefined
  readonly guard: Guard
  readonly admit: Admit
  /** The built-in authorization service, where it is on. */
  readonly tokens: TokenService | undefined
  readonly readSource: ReadSource
  readonly metrics: Metrics
  readonly accessLog: AccessLog | undefined
  readonly log: Logger
  /** `http.headers`: name → values, on every answer. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** `http.prefix`, with a slash at both ends; `/` where there is none. */
  readonly prefix: string
  /** `http.host`: origin of this registry as clients see it; empty: `Location` is a path. */
  readonly origin: string
  /** Most tags in a page. */
  readonly maxTags: number
  /** Most repositories in a page of the catalog. */
  readonly maxCatalogEntries: number
  /** Whether stored content can be served, and no new work is refused. */
  readonly isReady: () => boolean
}

/** Gives every answer the common headers; those that go past Koa have them already. */
const addCommonHeaders =
  (common: CommonHeaders): Middleware<RequestState> =>
  async (ctx, next) => {
    await next()
    if (ctx.respond !== false) common.set(ctx.res)
  }

const ping = (ctx: Context): void => {
  ctx.set('Content-Type', 'application/json')
  ctx.body = '{}'
}

const answerHealth = (isHealthy: () => boolean) => (ctx: Context) => {
  ctx.status = isHealthy() ? 200 : 503
  ctx.set('Cache-Control', 'no-cache')
  ctx.body = ''
}

const refuseWrites: GuardedRoute = async () => {
  throw new RegistryError('UNSUPPORTED', {
    message: 'the registry is read-only: storage.maintenance.readonly',
    headers: { Allow: 'GET, HEAD' },
  })
}

/** Makes what labels routes with distribution's words for the metrics. */
const labelling =
  (label: Label) =>
  <C extends Context>(handler: string, route: (ctx: C) => Promise<void>) =>
  (ctx: C): Promise<void> => {
    label(ctx, handler)
    return route(ctx)
  }

type As = ReturnType<typeof labelling>

/** Routes that change something. Uploads stand before `:digest`, which would match them too. */
const addWriteRoutes = (
  router: Router<RequestState>,
  { as, notify }: { readonly as: As; readonly notify: Notify },
  { guard, push, purge, origin, prefix }: AppOptions,
): void => {
  const locate = createLocate(origin, prefix)
  const { claims, deletes, manifests } = push
  const upload = createUploadRoutes({ ...push, locate, notify })
  const manifest = { push: manifests, deletes, purge, claims, locate, notify }
  const on = (action: Action, handler: string, route: GuardedRoute) =>
    guard(action, as(handler, push.isReadOnly ? refuseWrites : route))
  router.post('/v2/*name/blobs/uploads', on('push', 'blob_upload', upload.startUpload))
  router.get('/v2/*name/blobs/uploads/:id', on('push', 'blob_upload_chunk', upload.getUpload))
  router.patch('/v2/*name/blobs/uploads/:id', on('push', 'blob_upload_chunk', upload.appendUpload))
  router.put('/v2/*name/blobs/uploads/:id', on('push', 'blob_upload_chunk', upload.finishUpload))
  router.delete('/v2/*name/blobs/uploads/:id', on('push', 'blob_upload_chunk', upload.cancelUpload))
  router.delete('/v2/*name/blobs/:digest', on('delete', 'blob', deleteBlob(deletes, notify)))
  router.put('/v2/*name/manifests/:reference', on('push', 'manifest', putManifest(manifest)))
  router.delete('/v2/*name/manifests/:reference', on('delete', 'manifest', deleteManifest(manifest)))
}

/** Routes of the built-in authorization service. */
const addTokenRoutes = (router: Router<RequestState>, as: As, tokens: TokenService): void => {
  router.get('/token', as('token', getToken(tokens)))
  router.post('/token', as('token', postToken(tokens)))
  router.get('/token/jwks', as('token', getJwks(tokens)))
}

/** Routes of the API. */
const createRoutes = (options: AppOptions, manifests: ManifestReads): Router<RequestState> => {
  const { guard, admit, blobs, listings, maxTags } = options
  const { notify, label } = manifests
  const as = labelling(label)
  const pool = new BufferPool()
  const router = createRouter(options.prefix.replace(/\/$/, ''))
  router.get('/', answerHealth(options.isReady))
  router.get(
    '/healthz',
    answerHealth(() => true),
  )
  router.get('/readyz', answerHealth(options.isReady))
  router.get('/v2', admit('ping', ping))
  router.get('/v2/_catalog', admit('catalog', listCatalog(options.catalog, options.maxCatalogEntries)))
  if (options.tokens !== undefined) addTokenRoutes(router, as, options.tokens)
  addWriteRoutes(router, { as, notify }, options)
  router.get('/v2/*name/tags/list', guard('pull', as('tags', listTags(listings, maxTags))))
  router.get('/v2/*name/referrers/:digest', guard('pull', as('referrers', listReferrers(listings))))
  router.get('/v2/*name/manifests/:reference', guard('pull', as('manifest', getManifest(manifests))))
  router.head('/v2/*name/blobs/:digest', guard('pull', as('blob', headBlob(blobs))))
  router.get('/v2/*name/blobs/:digest', guard('pull', as('blob', getBlob(blobs, pool, notify))))
  return router
}

/** The registry API as a request listener. */
export const createApp = (options: AppOptions): RequestListener => {
  const { manifests: pull, repeats, metrics, log } = options
  const app = new Koa<RequestState>()
  // Whatever reaches this was thrown past the middleware that writes errors: a defect, or a socket that broke.
  app.on('error', (error: unknown) => log.debug({ err: error }, 'request ended abnormally'))
  const common = new CommonHeaders(options.headers)
  const measure = createMeasure(metrics, options.accessLog)
  const begin = (ctx: ParameterizedContext<RequestState>): void => {
    ctx.state.client = options.readSource(ctx.req)
    ctx.state.common = common
    measure(ctx)
  }
  const manifests = { pull, repeats, notify: createNotify(options), label: createLabel(metrics) }
  app.use((ctx, next) => {
    begin(ctx)
    repeats.begin(ctx)
    return next()
  })
  app.use(addCommonHeaders(common))
  app.use(writeErrors(log))
  app.use(answerOtherMethods)
  app.use(createRoutes(options, manifests).routes())
  const answer = app.callback()
  const repeat = repeatManifest(manifests)
  return (req, res) => {
    const given = repeats.find(req)
    if (given === undefined) return void answer(req, res)
    // The middlewares have nothing to add to it, and cost as much again.
    const ctx = app.createContext(req, res) as Context
    try {
      begin(ctx)
      repeat(ctx, given)
    } catch (error) {
      app.emit('error', error)
      res.destroy()
    }
  }
}
