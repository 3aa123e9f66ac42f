/**
 * Who asks, for which repository, and may they: the step before every route below a repository. It resolves the name,
 * asks whoever knows about credentials, and hands on a request whose repository is known and allowed.
 */
import type { RouterMiddleware } from '@koa/router'
import { RegistryError } from '../protocol/error.ts'
import { parseRepositoryName } from '../protocol/name.ts'
import type { FindPullable } from '../push/mount.ts'
import type { Repositories } from '../repository.ts'
import { type Context, type GuardedContext, queryValue, type RequestState } from './context.ts'

/** What a route does to a repository. */
export type Action = 'pull' | 'push' | 'delete'

/** A route below a repository. */
export type GuardedRoute = (ctx: GuardedContext) => Promise<void>

/** Puts the guard before a route. */
export type Guard = (action: Action, route: GuardedRoute) => RouterMiddleware<RequestState>

/** Any repository that a name may mean; one that is not to be had is none, and not an error. */
const findAny =
  (repositories: Repositories, host: string): FindPullable =>
  async (name) => {
    try {
      return await repositories.resolve(name, undefined, host)
    } catch (error) {
      if (error instanceof RegistryError) return undefined
      throw error
    }
  }

/** A guard that lets everybody in: `auth` is not set. */
export const createGuard =
  (repositories: Repositories): Guard =>
  (action, route) =>
  async (ctx: Context) => {
    const ns = queryValue(ctx.query.ns)
    const name = parseRepositoryName(ctx.params.name ?? '')
    ctx.state.repository = await (action === 'push'
      ? repositories.resolvePush(name, ns, ctx.host)
      : repositories.resolve(name, ns, ctx.host))
    ctx.state.findPullable = findAny(repositories, ctx.host)
    if (ns !== undefined) ctx.set('OCI-Namespace', ns)
    await route(ctx as GuardedContext)
  }
