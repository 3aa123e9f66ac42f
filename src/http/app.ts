/**
 * The registry API (distribution-spec 1.1, Endpoints): middlewares in order, then the route table. Names, tags and digests
 * are parsed in the handlers, after the router has decoded the path.
 */
import Router from '@koa/router'
import Koa, { type Middleware } from 'koa'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { RegistryError } from '../protocol/error.ts'
import type { BlobPull } from '../pull/blob.ts'
import type { ListingPull } from '../pull/listing.ts'
import type { ManifestPull } from '../pull/manifest.ts'
import type { AccessLog } from './access-log.ts'
import { getBlob, headBlob } from './blobs.ts'
import { BufferPool } from './buffers.ts'
import type { Context, RequestState } from './context.ts'
import { writeErrors } from './errors.ts'
import type { Guard, GuardedRoute } from './guard.ts'
import { listReferrers, listTags } from './listings.ts'
import { getManifest } from './manifests.ts'
import { measure } from './measure.ts'

/** What the API is made of. */
export interface AppOptions {
  readonly manifests: ManifestPull
  readonly blobs: BlobPull
  readonly listings: ListingPull
  readonly guard: Guard
  readonly metrics: Metrics
  readonly accessLog: AccessLog | undefined
  readonly log: Logger
  /** `http.headers`: name → values, on every answer. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** `http.prefix`, with a slash at both ends; `/` where there is none. */
  readonly prefix: string
  /** Most tags in a page. */
  readonly maxTags: number
  /** Whether stored content can be served, and no new work is refused. */
  readonly isReady: () => boolean
}

const setHeaders = (headers: AppOptions['headers']): Middleware<RequestState> => {
  const entries = Object.entries(headers)
  return (ctx, next) => {
    ctx.set('Docker-Distribution-Api-Version', 'registry/2.0')
    for (const [name, values] of entries) ctx.set(name, [...values])
    return next()
  }
}

/** A known path asked with another method: `OPTIONS` is told what there is, anything else refused (RFC 9110, 15.5.6). */
const answerOtherMethods: Middleware<RequestState> = async (ctx, next) => {
  await next()
  const { matched } = ctx as unknown as Context
  if (ctx.status !== 404 || ctx.body != null || ctx.respond === false || !matched?.length) return
  const allowed = [...new Set(matched.flatMap((layer) => layer.methods))].join(', ')
  if (allowed === '') return
  if (ctx.method !== 'OPTIONS')
    throw new RegistryError('UNSUPPORTED', {
      message: `${ctx.method} is not supported here; allowed: ${allowed}`,
      headers: { Allow: allowed },
    })
  ctx.set('Allow', allowed)
  ctx.status = 200
  ctx.body = ''
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

/** Routes of the API. `handler` is distribution's word for the metric. */
const createRouter = (options: AppOptions): Router<RequestState> => {
  const { guard, manifests, blobs, listings, maxTags } = options
  const pool = new BufferPool()
  const router = new Router<RequestState>({ prefix: options.prefix.replace(/\/$/, '') })
  const as =
    (handler: string, route: GuardedRoute): GuardedRoute =>
    (ctx) => {
      ctx.state.handler = handler
      return route(ctx)
    }
  router.get('/', answerHealth(options.isReady))
  router.get(
    '/healthz',
    answerHealth(() => true),
  )
  router.get('/readyz', answerHealth(options.isReady))
  router.get('/v2', ping)
  router.get('/v2/*name/tags/list', guard('pull', as('tags', listTags(listings, maxTags))))
  router.get('/v2/*name/referrers/:digest', guard('pull', as('referrers', listReferrers(listings))))
  router.get('/v2/*name/manifests/:reference', guard('pull', as('manifest', getManifest(manifests))))
  router.head('/v2/*name/blobs/:digest', guard('pull', as('blob', headBlob(blobs))))
  router.get('/v2/*name/blobs/:digest', guard('pull', as('blob', getBlob(blobs, pool))))
  return router
}

/** The registry API as a request listener. */
export const createApp = (options: AppOptions): ReturnType<Koa['callback']> => {
  const app = new Koa<RequestState>()
  // Whatever reaches this was thrown past the middleware that writes errors: a defect, or a socket that broke.
  app.on('error', (error: unknown) => options.log.debug({ err: error }, 'request ended abnormally'))
  app.use(measure(options.metrics, options.accessLog))
  app.use(setHeaders(options.headers))
  app.use(writeErrors(options.log))
  app.use(answerOtherMethods)
  app.use(createRouter(options).routes())
  return app.callback()
}
