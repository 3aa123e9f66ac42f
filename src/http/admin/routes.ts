/**
 * Operations → routes. Every call goes the same way: where it comes from, who makes it, what it says, the work, the answer.
 * What is refused is refused in that order, so that nobody learns more than he must.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Logger } from '../../observe/log.ts'
import type { Door } from './door.ts'
import { checkBody, checkParameters } from './input.ts'
import type { Handler, Handlers, Operation, Operations } from './operation.ts'

/** What every path of the API begins with. */
export const PREFIX = '/admin/v1'

/** A path as the router writes it: `/jobs/{id}` → `/jobs/:id`. */
const toPattern = (path: string): string => `${PREFIX}${path.replace(/\{(\w+)\}/g, ':$1')}`

const leaving = (ctx: Context): AbortSignal => {
  const controller = new AbortController()
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) controller.abort(new Error('the client has left'))
  })
  return controller.signal
}

type Route = (ctx: Context & { params: Record<string, string> }) => Promise<void>

const toRoute =
  (name: string, operation: Operation, handle: Handler<Operation>, { door, log }: RouteTools): Route =>
  async (ctx) => {
    const who = await door(ctx, operation.access === 'open' ? 'nothing' : 'login')
    const parameters = checkParameters(operation.parameters, { path: ctx.params, query: ctx.query })
    const body = await checkBody(operation.body, ctx.req)
    const answer = await handle({ parameters, body, signal: leaving(ctx) })
    if (operation.method !== 'get') log.info({ admin: who, operation: name, parameters, body }, 'admin call')
    ctx.status = operation.status
    if (operation.status === 204) {
      ctx.body = null
      return
    }
    ctx.set('Content-Type', 'application/json')
    ctx.body = `${JSON.stringify(answer)}\n`
  }

/** What routes work with. */
export interface RouteTools {
  readonly door: Door
  readonly log: Logger
}

/** The routes of a table of operations. */
export const createOperationRoutes = <T extends Operations>(
  operations: T,
  handlers: Handlers<T>,
  tools: RouteTools,
): Router => {
  const router = new Router()
  for (const [name, operation] of Object.entries(operations)) {
    const handle = handlers[name] as unknown as Handler<Operation>
    router.register(toPattern(operation.path), [operation.method], toRoute(name, operation, handle, tools))
  }
  return router
}
