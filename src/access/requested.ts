/** Repositories as they were found → what access to them hangs on. */
import type { Repository } from '../repository.ts'
import type { RequestedRepository } from './authorize.ts'
import type { ScopedRepository } from './issuer.ts'
import type { PublicRepositories } from './public.ts'

/**
 * What the rules ask of a repository. One that lies here unclaimed counts as local: it may be somebody's only copy of
 * what he pushed before there was an upstream.
 */
export const scopedRepository = ({ kind, name }: Repository): ScopedRepository => ({
  repository: name,
  content: kind === 'mirrored' ? 'mirrored' : 'local',
})

/** What a push would make of a repository: who may push is asked of local content, also the first time. */
export const pushedRepository = ({ name }: Repository): ScopedRepository => ({
  repository: name,
  content: 'local',
})

/** Says of repositories what requests are checked by. */
export type RequestRepository = (
  repository: Repository,
  scopeName: string,
  isPush?: boolean,
) => RequestedRepository

/** @param publicRepositories remembers which repositories their upstreams show to anybody */
export const createRequestRepository =
  (publicRepositories: Pick<PublicRepositories, 'isPublic'>): RequestRepository =>
  (repository, scopeName, isPush = false) => {
    const { name, origin } = repository
    return {
      scopeName,
      ...(isPush ? pushedRepository(repository) : scopedRepository(repository)),
      isPublic: async () =>
        origin === undefined ||
        publicRepositories.isPublic({ name, remoteName: origin.name, upstream: origin.upstream }),
    }
  }
