/**
 * Who asks, for which repository, and may they: the step before every route below a repository. It resolves the name,
 * asks whoever knows about credentials, and hands on a request whose repository is known and allowed.
 */
import type { RouterMiddleware } from '@koa/router'
import { parseRepositoryName } from '../protocol/name.ts'
import type { Repositories } from '../repository.ts'
import { type Context, type GuardedContext, queryValue, type RequestState } from './context.ts'

/** What a route does to a repository. */
export type Action = 'pull' | 'push' | 'delete'

/** A route below a repository. */
export type GuardedRoute = (ctx: GuardedContext) => Promise<void>

/** Puts the guard before a route. */
export type Guard = (action: Action, route: GuardedRoute) => RouterMiddleware<RequestState>

/** A guard that lets everybody in: `auth` is not set. */
export const createGuard =
  (repositories: Repositories): Guard =>
  (_action, route) =>
  async (ctx: Context) => {
    const ns = queryValue(ctx.query.ns)
    const name = parseRepositoryName(ctx.params.name ?? '')
    ctx.state.repository = await repositories.resolve(name, ns, ctx.host)
    if (ns !== undefined) ctx.set('OCI-Namespace', ns)
    await route(ctx as GuardedContext)
  }
