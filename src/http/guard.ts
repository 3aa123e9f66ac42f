/**
 * Who asks, for what, and may they: the step before every route of the registry. It finds the repository, asks
 * `access/authorize`, and hands on a request whose repository is known and allowed.
 */
import type { RouterMiddleware } from '@koa/router'
import { type Admission, type Authorizer, actionsOf, type RequestedAccess } from '../access/authorize.ts'
import type { RequestRepository } from '../access/requested.ts'
import { RegistryError } from '../protocol/error.ts'
import { parseRepositoryName, type RepositoryName } from '../protocol/name.ts'
import type { Repositories, Repository } from '../repository.ts'
import { type Context, type GuardedContext, queryValue, type RequestState } from './context.ts'
import { type Admitted, OpenPulls } from './open-pulls.ts'

/** What a route does to a repository. */
export type Action = 'pull' | 'push' | 'delete'

/** A route below a repository. */
export type GuardedRoute = (ctx: GuardedContext) => Promise<void>

/** Puts the guard before a route. */
export type Guard = (action: Action, route: GuardedRoute) => RouterMiddleware<RequestState>

/**
 * A route of no repository, for those who were let in.
 * @param maySee whether the caller may know of a repository, by its stored name
 */
export type AdmittedRoute = (ctx: Context, maySee: (name: string) => Promise<boolean>) => void | Promise<void>

/** Puts the guard before `/v2/` or the catalog. */
export type Admit = (kind: 'ping' | 'catalog', route: AdmittedRoute) => RouterMiddleware<RequestState>

/** What the guard works with. */
export interface GuardOptions {
  readonly repositories: Pick<Repositories, 'resolve' | 'resolvePush'>
  readonly authorizer: Pick<Authorizer, 'authorize'>
  readonly requestRepository: RequestRepository
  /** How often a repository has become local or mirrored, or ceased to be: see {@link OpenPulls}. */
  readonly countChanges: () => number
}

/** A repository as a request names it. */
interface Asked {
  readonly name: RepositoryName
  readonly ns: string | undefined
}

/** The guard of all routes. */
export const createGuard = ({ repositories, authorizer, requestRepository, countChanges }: GuardOptions) => {
  const openPulls = new OpenPulls(countChanges)

  const authorize = async (ctx: Context, access: RequestedAccess): Promise<Admission> => {
    const admission = await authorizer.authorize(access, ctx.headers.authorization, ctx.state.client)
    ctx.state.identity = admission.identity
    return admission
  }

  /** The repository that a name means for a pull; one that is not to be had is none, and not an error. */
  const find = async (ctx: Context, name: string): Promise<Repository | undefined> => {
    try {
      return await repositories.resolve(name, undefined, ctx.host)
    } catch (error) {
      if (error instanceof RegistryError) return undefined
      throw error
    }
  }

  const mountSource = async (ctx: Context): Promise<Repository | undefined> => {
    const from = ctx.query.mount === undefined ? undefined : queryValue(ctx.query.from)
    return from === undefined ? undefined : find(ctx, from)
  }

  /** Finds out which repository is meant, and whether the caller may do that to it. */
  const admitTo = async (ctx: Context, action: Action, { name, ns }: Asked): Promise<Admitted> => {
    const isPush = action === 'push'
    const repository = isPush
      ? await repositories.resolvePush(name, ns, ctx.host)
      : await repositories.resolve(name, ns, ctx.host)
    const source = isPush ? await mountSource(ctx) : undefined
    const { identity, mayPull } = await authorize(ctx, {
      kind: 'repository',
      repository: requestRepository(repository, ns === undefined ? name : repository.name, isPush),
      actions: actionsOf(action),
      mountFrom: source && requestRepository(source, queryValue(ctx.query.from) ?? source.name),
    })
    ctx.state.findPullable = async (other) => {
      const found = await find(ctx, other)
      return found && (await mayPull(requestRepository(found, other))) ? found : undefined
    }
    return { repository, identity }
  }

  const admitToPull = (ctx: Context, asked: Asked): Admitted | Promise<Admitted> => {
    if (ctx.req.headers.authorization !== undefined) return admitTo(ctx, 'pull', asked)
    const { name, ns } = asked
    // `Host` says whether an `ns` is this registry itself. No name has a space.
    const key = ns === undefined ? name : `${name} ${ns} ${ctx.host}`
    return openPulls.get(key) ?? openPulls.remember(key, () => admitTo(ctx, 'pull', asked))
  }

  const guard: Guard = (action, route) => async (ctx: Context) => {
    const ns = ctx.querystring === '' ? undefined : queryValue(ctx.query.ns)
    const asked = { name: parseRepositoryName(ctx.params.name ?? ''), ns }
    const { repository, identity } =
      action === 'pull' ? await admitToPull(ctx, asked) : await admitTo(ctx, action, asked)
    ctx.state.repository = repository
    ctx.state.identity = identity
    if (ns !== undefined) ctx.set('OCI-Namespace', ns)
    await route(ctx as GuardedContext)
  }

  const admit: Admit = (kind, route) => async (ctx: Context) => {
    const admission = await authorize(ctx, { kind })
    await route(ctx, async (name) => {
      const found = await find(ctx, name)
      return found !== undefined && admission.maySee(requestRepository(found, name))
    })
  }

  return { guard, admit }
}
