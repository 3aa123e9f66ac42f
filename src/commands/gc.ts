/**
 * `entrepot gc` and, by distribution's name, `garbage-collect`: frees what nothing needs. On a volume that a server works
 * on that server does it, since nobody else may; `--dry-run` looks for itself in any case.
 */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { upstreamsOf } from '../config/upstreams.ts'
import { MemoryCoordinator } from '../coordinator/coordinator.ts'
import { Collector } from '../keep/collect.ts'
import type { CollectReport } from '../keep/collect-state.ts'
import { VolumeSharedError } from '../keep/shared.ts'
import { createLogger } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { Repositories } from '../repository.ts'
import { readAdopted } from '../store/adopted.ts'
import { createStore } from '../wiring/store.ts'
import { createUpstreams } from '../wiring/upstreams.ts'
import { NoServerError, withClient } from './admin-client.ts'
import { type AddCommand, CommandError } from './command.ts'
import { print, printJson } from './print.ts'
import { isWellDone, runJob } from './run-job.ts'

/** What was collected; a server does not tell each blob. */
type Collected = Omit<CollectReport, 'garbage' | 'startedAtMs' | 'endedAtMs'> & Partial<CollectReport>

interface GcOptions {
  readonly json?: true
  readonly dryRun?: boolean
  readonly deleteUntagged?: boolean
  readonly quiet?: boolean
}

/** Adds `gc` and `garbage-collect`. */
export const addGc: AddCommand = (program) => {
  const add = (name: string, description: string): Command =>
    program
      .command(name)
      .argument('[config]', 'configuration file of the volume')
      .description(description)
      .option('-d, --dry-run', 'only tell what would be freed; works beside a running server')
      .option('-m, --delete-untagged', 'drop local manifests that no tag reaches, too')
      .option('-q, --quiet', 'tell the sum alone')
      .option('--json', 'print what was collected, for scripts')
      .action(async (file: string | undefined, options: GcOptions) => {
        const { config } = loadConfig({ file, env: process.env })
        tell((await collect(config, options)) ?? (await collectInServer(file, options)), options)
      })
  add('gc', 'free what nothing needs any more; where a server works on the volume, it does that')
  add('garbage-collect', 'the same, by the name that the registry image has for it')
}

/** Collects here; `undefined` where a server works on the volume. */
const collect = async (config: Config, options: GcOptions): Promise<CollectReport | undefined> => {
  const log = await createLogger({ level: 'warn', formatter: 'text', fields: {} })
  const metrics = createMetrics()
  const now = Date.now
  const store = createStore(resolve(config.storage.filesystem?.rootdirectory ?? '/var/lib/registry'), log, {
    metrics,
    now,
  })
  const upstreams = await createUpstreams(upstreamsOf(config), config.limits, { metrics, log, now: Date.now })
  const repositories = new Repositories({
    upstreams,
    ownHosts: [],
    local: config.local.repositories,
    adopted: await readAdopted(store.driver),
    marks: store.marks,
    links: store.links,
  })
  const coordinator = new MemoryCoordinator(now)
  const parts = { ...store, repositories, coordinator, log, metrics, now }
  const collector = new Collector({ ...parts, keepUnnamedMs: config.local.keepunnamed })
  // Where no server works, nothing is on its way: what nobody needs goes whatever its age.
  const graceMs = (await store.owner.isAlone()) ? 0 : undefined
  const request = {
    isDryRun: options.dryRun === true,
    dropsUntagged: options.deleteUntagged === true,
    graceMs,
  }
  try {
    return await collector.run(request)
  } catch (error) {
    if (!(error instanceof VolumeSharedError)) throw error
    return undefined
  } finally {
    await Promise.all(upstreams.map(({ upstream }) => upstream.close()))
  }
}

/** Has the server of the configuration collect, and watches it. */
const collectInServer = async (config: string | undefined, options: GcOptions): Promise<Collected> => {
  try {
    const body = options.deleteUntagged === true ? { untagged: true } : {}
    const job = await withClient({ ...(config !== undefined && { config }) }, (client) =>
      runJob(client, '/gc', body),
    )
    if (isWellDone(job)) return job.result as Collected
    throw new CommandError(`gc ${job.state}${job.error === undefined ? '' : `: ${job.error}`}`)
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error
    throw new CommandError(
      `a server works on this volume, but ${error.message}. Stop it first, or look with --dry-run`,
    )
  }
}

const tell = (report: Collected, { quiet, json }: GcOptions): void => {
  if (json) {
    printJson(report)
    return
  }
  const { isDryRun, repositories, manifests, links, blobs, bytes, waiting, garbage = [] } = report
  const lines = quiet === true ? [] : garbage.map(({ digest, sizeBytes }) => `${digest} ${sizeBytes}`)
  const sum = `${blobs} blobs, ${bytes} bytes ${isDryRun ? 'would be' : ''} freed; ${manifests} manifests and ${links} links dropped in ${repositories} repositories; ${waiting} too young`
  print(`${[...lines, sum.replace(/ {2,}/g, ' ')].join('\n')}\n`)
}
