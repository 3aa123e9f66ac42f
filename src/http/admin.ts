/**
 * The other listener: metrics, health, and figures that name no repository. Open to whoever reaches it, which by default
 * is this machine alone; what names a repository or changes anything does not belong here.
 */
import Router from '@koa/router'
import Koa from 'koa'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { writeErrors } from './errors.ts'

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
  readonly metrics: Metrics
  /** Path of the metrics; `undefined` turns them off. */
  readonly metricsPath: string | undefined
  readonly health: () => HealthReport
  /** The manual check: `true` asks for a drain. */
  readonly setDown: (isDown: boolean) => void
  readonly log: Logger
}

/** The debug listener's application. */
export const createAdminApp = (options: AdminOptions): ReturnType<Koa['callback']> => {
  const { metrics, metricsPath, health, setDown, log } = options
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
    router.post(`/debug/health/${word}`, (ctx) => {
      setDown(word === 'down')
      ctx.status = 200
      ctx.body = ''
    })
  const app = new Koa()
  app.on('error', (error: unknown) => log.debug({ err: error }, 'request ended abnormally'))
  app.use(writeErrors(log))
  app.use(router.routes())
  return app.callback()
}
