/** What purges: for the admin API, and for clients that delete what is mirrored. */
import { Purge, type PurgeReport } from '../admin/purge.ts'
import type { PurgeRequest } from '../admin/purge-select.ts'
import { Sharing } from '../admin/sharing.ts'
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { PurgeRoute } from '../http/manifests.ts'
import type { Logger } from '../observe/log.ts'
import { RegistryError } from '../protocol/error.ts'
import type { Repositories } from '../repository.ts'
import type { Store } from './store.ts'

/** What is purged with besides the store. */
export interface PurgeTools {
  readonly repositories: Repositories
  readonly coordinator: Coordinator
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What purges. */
export interface PurgeService {
  /** Which bytes more than one repository needs. */
  readonly sharing: Sharing
  /** @throws RegistryError `UNSUPPORTED` where the store is not to be changed; else as `Purge.run` */
  run(request: PurgeRequest): Promise<PurgeReport>
  /** For clients of the registry. */
  readonly route: PurgeRoute
}

/** @throws RegistryError `UNSUPPORTED` where the store is not to be changed */
export const requireWritable = ({ storage }: Config): void => {
  if (storage.maintenance.readonly.enabled)
    throw new RegistryError('UNSUPPORTED', {
      message: 'the registry is read-only: storage.maintenance.readonly',
    })
}

/** Builds it. */
export const createPurge = (config: Config, store: Store, tools: PurgeTools): PurgeService => {
  const parts = { ...store, ...tools }
  const purge = new Purge(parts)
  const sharing = new Sharing(parts, tools.now)
  const run = async (request: PurgeRequest): Promise<PurgeReport> => {
    if (!request.isDryRun) requireWritable(config)
    const report = await purge.run(request)
    // What was shared may be so no longer.
    if (!request.isDryRun) sharing.doubt()
    return report
  }
  const admins = new Set(config.admin.users)
  return {
    sharing,
    run,
    route: {
      mayPurge: (account) => config.storage.delete.enabled || admins.has(account),
      purge: async (repository, reference) => {
        await run({ repository, reference, isDryRun: false })
      },
    },
  }
}
