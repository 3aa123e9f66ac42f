/** What does the work of each operation of the admin API (`http/admin/operations`). */
import picomatch from 'picomatch'
import { Contents } from '../admin/contents.ts'
import { Explain } from '../admin/explain.ts'
import { listFetches } from '../admin/fetches.ts'
import type { Jobs } from '../admin/jobs.ts'
import { Pins } from '../admin/pins.ts'
import type { PurgeRequest } from '../admin/purge-select.ts'
import { refreshTag } from '../admin/refresh.ts'
import { RepositoryList } from '../admin/repositories.ts'
import { Status } from '../admin/status.ts'
import { collectGarbage, scrubStore } from '../admin/upkeep.ts'
import type { Warm } from '../admin/warm.ts'
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Call } from '../http/admin/operation.ts'
import type { AdminHandlers, OPERATIONS } from '../http/admin/operations.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Repositories } from '../repository.ts'
import type { Keep } from './keep.ts'
import { createOperatorHandlers } from './operator.ts'
import type { createPull } from './pull.ts'
import { type PurgeService, requireWritable } from './purge.ts'
import type { createRepair } from './repair.ts'
import type { Store } from './store.ts'
import type { OperatedUpstream } from './upstreams.ts'

/** What operations work on besides the store. */
export interface HandlerTools {
  readonly version: string
  readonly pull: ReturnType<typeof createPull>
  readonly keep: Keep
  readonly repair: ReturnType<typeof createRepair>
  readonly purge: PurgeService
  readonly repositories: Repositories
  readonly upstreams: readonly OperatedUpstream[]
  readonly jobs: Jobs
  readonly warm: Warm
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const toPurgeRequest = ({ body }: Call<typeof OPERATIONS.purge>): PurgeRequest => ({
  repository: body.repository,
  reference:
    body.tag !== undefined
      ? { kind: 'tag', tag: body.tag }
      : body.digest && { kind: 'digest', digest: body.digest },
  matches: body.pattern === undefined ? undefined : picomatch(body.pattern),
  upstream: body.upstream,
  unusedForMs: body.unusedFor,
  isDryRun: body.dryRun,
})

/** Builds what does the work. */
export const createHandlers = (config: Config, store: Store, tools: HandlerTools): AdminHandlers => {
  const { pull, keep, repair, purge, jobs, now } = tools
  const { flights, freshness, governor, manifests } = pull
  const parts = { ...store, ...tools, flights, freshness, governor }
  const status = new Status({
    ...parts,
    budget: keep.budget,
    upstreams: tools.upstreams.map(({ upstream }) => upstream),
  })
  const list = new RepositoryList(parts)
  const contents = new Contents({ ...parts, sharing: purge.sharing })
  const explain = new Explain(parts)
  const pins = new Pins(parts)
  return {
    ...createOperatorHandlers(tools),
    status: () => status.report(),
    listRepositories: ({ parameters: { n, last, filter }, signal }) =>
      list.page({ limit: n, after: last, filter, signal }),
    describeRepository: ({ parameters: { repository, n, last }, signal }) =>
      contents.describe(repository, { limit: n, after: last, signal }),
    explain: ({ parameters: { reference, ns }, signal }) => explain.explain(reference, ns, signal),
    listFetches: () => listFetches(flights, now()),
    refresh: ({ body: { repository, tag } }) => refreshTag({ ...parts, manifests }, repository, tag),
    purge: (call) => purge.run(toPurgeRequest(call)),
    startGc: ({ body }) => {
      if (!body.dryRun) requireWritable(config)
      const request = { isDryRun: body.dryRun, dropsUntagged: body.untagged }
      return jobs.start('gc', collectGarbage(keep.collector, request))
    },
    startScrub: () => jobs.start('scrub', scrubStore(repair.scrub)),
    listPins: ({ parameters: { repository }, signal }) => pins.list(repository, signal),
    pin: ({ body: { repository, reference } }) => pins.add(repository, reference),
    unpin: ({ body: { repository, reference } }) => pins.remove(repository, reference),
  }
}
