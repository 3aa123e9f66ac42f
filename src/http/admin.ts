/**
 * The other listener: metrics and health, open to whoever reaches it, which by default is this machine alone; and the admin
 * API below `/admin`, where everything that names a repository or changes anything needs a login (design §4).
 */
import Router from '@koa/router'
import Koa, { type Middleware } from 'koa'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Door } from './admin/door.ts'
import { describeOperations } from './admin/openapi.ts'
import { type AdminHandlers, OPERATIONS } from './admin/operations.ts'
import { createOperationRoutes, PREFIX } from './admin/routes.ts'
import { writeErrors } from './errors.ts'
import { answerOtherMethods } from './other-methods.ts'
import { createPageRoutes, type PageFiles } from './page.ts'

/** What is unwell, by the name of the check; empty when all is well. */
export type Findings = Readonly<Record<string, string>>

/** How the server is, as far as health checks tell it. */
export interface HealthReport {
  /** Whether stored content can be served and nobody has asked to be drained. */
  readonly isReady: boolean
  /** Everything that is unwell, also what stands in nobody's way. */
  readonly findings: Findings
}

/** What the listener shows. */
export interface AdminOptions {
  /** Of this program, for the OpenAPI document. */
  readonly version: string
  readonly metrics: Metrics
  /** Path of the metrics; `undefined` turns them off. */
  readonly metricsPath: string | undefined
  readonly health: () => HealthReport
  /** The manual check: `true` asks for a drain. */
  readonly setDown: (isDown: boolean) => void
  /** Lets admin calls in. */
  readonly door: Door
  /** What does the work of the admin API. */
  readonly handlers: AdminHandlers
  /** The page to look at. */
  readonly page: PageFiles
  readonly log: Logger
}

/** Metrics and health. */
const createFigureRoutes = ({ metrics, metricsPath, health, setDown, door }: AdminOptions): Router => {
  const router = new Router()
  if (metricsPath !== undefined)
    router.get(metricsPath, async (ctx) => {
      ctx.set('Content-Type', metrics.scrape.mediaType)
      ctx.body = await metrics.scrape.text()
    })
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'alive' }
  })
  router.get('/readyz', (ctx) => {
    const { isReady, findings } = health()
    ctx.status = isReady ? 200 : 503
    ctx.body = { status: isReady ? 'ready' : 'not ready', findings }
  })
  router.get('/debug/health', (ctx) => {
    const { findings } = health()
    ctx.status = Object.keys(findings).length === 0 ? 200 : 503
    ctx.body = findings
  })
  for (const word of ['down', 'up'] as const)
    router.post(`/debug/health/${word}`, async (ctx) => {
      // From this machine as in distribution, without a login: it is what a container is drained by before it stops.
      await door(ctx, 'login from elsewhere')
      setDown(word === 'down')
      ctx.status = 200
      ctx.body = ''
    })
  return router
}

/** What the admin API says is of this moment, and of nobody else. */
const forbidStoring: Middleware = async (ctx, next) => {
  if (ctx.path.startsWith('/admin'))
    ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
  await next()
}

const createDocumentRoutes = ({ door, version }: AdminOptions): Router => {
  const document = JSON.stringify(describeOperations(OPERATIONS, PREFIX, version), undefined, 2)
  const router = new Router()
  router.get('/admin/openapi.json', async (ctx) => {
    await door(ctx, 'nothing')
    ctx.set('Content-Type', 'application/json')
    ctx.body = document
  })
  return router
}

/** The debug listener's application. */
export const createAdminApp = (options: AdminOptions): ReturnType<Koa['callback']> => {
  const { handlers, log } = options
  const app = new Koa()
  app.on('error', (error: unknown) => log.debug({ err: error }, 'request ended abnormally'))
  app.use(forbidStoring)
  app.use(writeErrors(log))
  app.use(answerOtherMethods)
  app.use(createFigureRoutes(options).routes())
  app.use(createDocumentRoutes(options).routes())
  app.use(createOperationRoutes(OPERATIONS, handlers, options).routes())
  app.use(createPageRoutes(options.page).routes())
  return app.callback()
}
