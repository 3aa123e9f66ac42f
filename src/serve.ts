/**
 * Builds every object from the bottom up, starts, and stops: the only place that knows them all. No globals, so that
 * several servers can live in one process, which is how tests use it.
 */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Jobs } from './admin/jobs.ts'
import { DEFAULT_DEBUG_ADDR } from './config/schema/http.ts'
import type { Config } from './config/schema.ts'
import { upstreamsOf } from './config/upstreams.ts'
import { MemoryCoordinator } from './coordinator/coordinator.ts'
import type { Clock } from './fetch/source.ts'
import { createAccessLog } from './http/access-log.ts'
import { createApp } from './http/app.ts'
import { Repeats } from './http/repeats.ts'
import { Listener, type ListenLimits } from './http/server.ts'
import { Health } from './keep/health.ts'
import { createLogger, type Logger } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { dropPrivileges } from './privileges.ts'
import { Repositories } from './repository.ts'
import { readAdopted } from './store/adopted.ts'
import { loadUndici } from './upstream/transport.ts'
import { openAccess } from './wiring/access.ts'
import { createAdmin } from './wiring/admin.ts'
import { checksOf } from './wiring/checks.ts'
import { type CollectTimes, createKeep, type Keep } from './wiring/keep.ts'
import { connectMetrics } from './wiring/metrics.ts'
import { createNotifications } from './wiring/notifications.ts'
import { createPull } from './wiring/pull.ts'
import { createPurge } from './wiring/purge.ts'
import { createPush } from './wiring/push.ts'
import { createRepair } from './wiring/repair.ts'
import { createStore, type StoreTools } from './wiring/store.ts'
import { openTls } from './wiring/tls.ts'
import { createUpstreams } from './wiring/upstreams.ts'
import { createWarm } from './wiring/warm.ts'

/** A server in use. */
export interface RunningServer {
  /** Where the registry listens: `host:port`, or a socket's path. */
  readonly address: string
  /** Where the debug listener is; `undefined` where its default port was taken. */
  readonly debugAddress: string | undefined
  /** Resolves when everything that has been fetched so far is stored, and the disk budget is kept. */
  settle(): Promise<void>
  /** Takes no new work, lets transfers end, closes everything. */
  stop(): Promise<void>
}

/** What a server is started with besides its configuration. */
export interface ServeOptions {
  readonly version: string
  /** What the configuration is to be told about, a line each. */
  readonly warnings: readonly string[]
  /** Instead of the log that the configuration describes. */
  readonly log?: Logger
  /** Whether a process of root's goes on as the owner of the store, once its listeners are open. */
  readonly becomesOwner?: boolean
  /** Instead of the machine's time and chance. */
  readonly clock?: Clock
  /** Stands before the storage driver. */
  readonly wrapDriver?: StoreTools['wrapDriver']
  /** Milliseconds since the epoch, for the age of what was cached. */
  readonly now?: () => number
  /** Collects garbage at these times instead of the usual ones. */
  readonly collect?: CollectTimes
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  random: Math.random,
}

const createLog = ({ log }: Config): Promise<Logger> =>
  createLogger({
    level: log.level,
    formatter: log.formatter ?? (process.stderr.isTTY === true ? 'text' : 'json'),
    fields: log.fields,
  })

const listenLimits = ({ limits }: Config): ListenLimits => ({
  clientStallMs: limits.clientstall,
  requestHeaderMs: limits.requestheader,
  keepAliveMs: limits.keepalive,
  headerBytes: limits.headersize,
  connections: limits.connections,
})

/** Origin for absolute URLs; empty where paths are sent. */
const originOf = ({ http }: Config): string =>
  http.host === undefined || http.relativeurls ? '' : http.host.replace(/\/$/, '')

/** The default debug address being taken is a warning, not a failed start. */
const listenDebug = async (listener: Listener, addr: string, log: Logger): Promise<string | undefined> => {
  try {
    return await listener.listen()
  } catch (error) {
    if (addr !== DEFAULT_DEBUG_ADDR) throw error
    log.warn(
      { err: error },
      `no debug listener: ${addr} is taken; set http.debug.addr to have metrics and health checks`,
    )
    return undefined
  }
}

const becomeOwner = async (root: string, log: Logger): Promise<void> => {
  const { warning } = await dropPrivileges(root)
  if (warning !== undefined) log.warn(warning)
}

/**
 * Starts a server. Resolves when it answers.
 * @throws what the operating system says of an address that cannot be listened on
 */
export const serve = async (config: Config, options: ServeOptions): Promise<RunningServer> => {
  const log = options.log ?? (await createLog(config))
  for (const warning of options.warnings) log.warn(warning)
  const { clock = SYSTEM_CLOCK, now = Date.now } = options
  const root = resolve(config.storage.filesystem?.rootdirectory ?? '/var/lib/registry')
  const metrics = createMetrics()

  const makeRoom = (bytes: number): Promise<boolean> => keep.budget.makeRoom(bytes)
  const store = createStore(root, log, {
    metrics,
    now,
    makeRoom,
    ...(options.wrapDriver && { wrapDriver: options.wrapDriver }),
  })
  const coordinator = new MemoryCoordinator(now)
  const upstreams = await createUpstreams(upstreamsOf(config), config.limits, { metrics, log, now })
  const repositories = new Repositories({
    upstreams,
    ownHosts: config.http.host === undefined ? [] : [new URL(config.http.host).host],
    local: config.local.repositories,
    adopted: await readAdopted(store.driver),
    marks: store.marks,
    links: store.links,
  })

  const tools = { repositories, upstreams, coordinator, metrics, log, clock, now }
  const keep: Keep = createKeep(config, store, { ...tools, collect: options.collect })
  const repair = createRepair(config, store, tools)
  const { admission } = keep
  const { mending } = repair
  const pull = createPull(config, store, { ...tools, admission, mending })
  const purge = createPurge(config, store, tools)
  const push = createPush(config, store, tools)
  const jobs = new Jobs(tools)
  const warming = createWarm(config, { ...tools, jobs, warmUp: pull.warmUp })
  const notifications = await createNotifications(config, { metrics, log, environment: process.env, now })
  const health = new Health(
    [...checksOf(config, store.driver), repair.quarantine.check],
    upstreams.map(({ upstream }) => upstream),
  )
  const access = await openAccess(config, { ...tools, store })
  const tls = await openTls(config, { metrics, log })
  const accessLog = config.log.accesslog.disabled ? undefined : createAccessLog()
  const limits = listenLimits(config)
  const app = createApp({
    manifests: pull.manifests,
    repeats: new Repeats({ countChanges: () => store.marks.changes + store.links.changes, now }),
    blobs: pull.blobs,
    listings: pull.listings,
    catalog: pull.catalog,
    push: push.services,
    purge: purge.route,
    onEvent: notifications && ((event, request) => notifications.emit(event, request)),
    guard: access.guard,
    admit: access.admit,
    tokens: access.tokens,
    readSource: access.readSource,
    metrics,
    accessLog,
    log,
    headers: config.http.headers,
    prefix: config.http.prefix ?? '/',
    origin: originOf(config),
    maxCatalogEntries: config.catalog.maxentries > 0 ? config.catalog.maxentries : 1000,
    maxTags: config.tags.maxtags > 0 ? config.tags.maxtags : 1000,
    isReady: () => health.isReady,
  })
  const listener = new Listener(app, {
    addr: config.http.addr,
    isUnix: config.http.net === 'unix',
    tls,
    limits,
  })
  const { addr } = config.http.debug
  const { version } = options
  const parts = { ...tools, pull, keep, repair, purge, access, health, jobs, warm: warming.warm }
  const admin = createAdmin(config, store, { ...parts, version })
  const debugListener = new Listener(admin.app, { addr, limits })

  store.leases.waitFor(store.owner.marked)
  const clients = upstreams.map(({ upstream }) => upstream)
  const figures = { ...tools, version, store, upstreams: clients, governor: pull.governor, health }
  const saved = connectMetrics(metrics, figures)

  await saved.start()
  const address = await listener.listen()
  const debugAddress = await listenDebug(debugListener, addr, log)
  if (options.becomesOwner === true) await becomeOwner(root, log)
  if (upstreams.length > 0) await loadUndici()
  await access.open()
  await store.owner.start()
  await admin.open()
  health.start()
  push.start()
  await keep.start(pull)
  warming.start()
  await repair.start(pull)

  const from = upstreams.map(({ upstream }) => upstream.name).join(', ')
  log.info(
    `entrepot ${version} serves ${from === '' ? 'a private registry' : `a mirror of ${from}`} from ${root}`,
  )
  log.info(
    `listening on ${address}${tls === undefined ? '' : ' (TLS)'}, metrics and health on ${debugAddress ?? 'nothing'}`,
  )

  return {
    address,
    debugAddress,
    async settle() {
      await repair.settle()
      await pull.settle()
      await keep.budget.check()
      await saved.flush()
    },
    async stop() {
      health.setDown(true)
      await listener.close(config.http.draintimeout)
      await warming.close()
      await push.close()
      await pull.close()
      await repair.close()
      await keep.close()
      await saved.stop()
      await notifications?.close()
      await debugListener.close(0)
      health.stop()
      await access.close()
      await Promise.all(upstreams.map(({ upstream }) => upstream.close()))
      await store.owner.stop()
      accessLog?.close()
    },
  }
}
