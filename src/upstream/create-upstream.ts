/** Builds the client of a registry from plain options: the only place here that knows all its parts. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Coordinator, MemoryCoordinator } from '../coordinator/coordinator.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { Account } from './account.ts'
import { createAsks } from './asks.ts'
import { Authorization } from './authorization.ts'
import { Blobs } from './blobs.ts'
import type { Lookup } from './connector.ts'
import { type CredentialSource, fixedCredentials } from './credentials.ts'
import { Gates } from './gates.ts'
import { Health } from './health.ts'
import { DEFAULT_LIMITS, type UpstreamLimits } from './limits.ts'
import type { Environment } from './proxy-choice.ts'
import { ShortQueue, TransferQueue } from './queue.ts'
import { createRealmClient } from './realm-client.ts'
import { Registry } from './registry.ts'
import { createRepeater } from './repeat.ts'
import { Requester } from './requester.ts'
import { TokenCache } from './token-cache.ts'
import { createTokenRequester } from './token-request.ts'
import { Transport } from './transport.ts'
import type { Upstream } from './upstream.ts'
import { Wire } from './wire.ts'

/** Everything that a client of a registry is built from. */
export interface UpstreamOptions {
  /** Short name for messages, metrics and stored names. */
  readonly name: string
  /** Host that `?ns=` may say, folded. */
  readonly host: string
  /** Base URL of the API: `https://registry-1.docker.io`. */
  readonly remoteurl: string
  /** Whether it is Docker Hub or stands for it. Default false. */
  readonly isDockerHub?: boolean
  /** Account there; goes with `password`. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Where the account comes from instead, such as a credential helper. */
  readonly credentials?: CredentialSource | undefined
  /** PEM of authorities that are trusted besides those of Node. */
  readonly ca?: string | undefined
  /** Proxy for everything, whatever the environment says. */
  readonly proxy?: string | undefined
  /** Hosts, with or without a port, besides its own domain that may have the password. */
  readonly realms?: readonly string[]
  /** Private hosts, addresses and networks that it may redirect to; `any`: all of them. */
  readonly redirects?: readonly string[]
  /** Limits other than {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<UpstreamLimits>
  readonly metrics: Metrics
  readonly log: Logger
  /** Where tokens are kept and shared; default: in this process, for this upstream. */
  readonly coordinator?: Coordinator
  /** `User-Agent`; default `entrepot`. */
  readonly userAgent?: string
  /** Environment variables, for `HTTP_PROXY` and its like; default: those of the process. */
  readonly environment?: Environment
  readonly lookup?: Lookup
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Resolves after `ms`; rejects when `signal` is aborted. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Between 0 and 1. */
  readonly random?: () => number
}

const defaultSleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await wait(ms, undefined, signal === undefined ? {} : { signal })
}

const sourceOf = ({ credentials, username, password }: UpstreamOptions): CredentialSource | undefined => {
  if (credentials !== undefined) return credentials
  return username ? fixedCredentials({ username, password: password ?? '' }) : undefined
}

/** What requests go over: connections, gates, books. */
const createWire = (options: UpstreamOptions, limits: UpstreamLimits, now: () => number) => {
  const { name: upstream, remoteurl, metrics, log, ca, proxy, lookup, userAgent = 'entrepot' } = options
  const received = metrics.upstreamBytes.series({ upstream })
  const transport = new Transport({
    remote: new URL(remoteurl),
    ca,
    proxy,
    lookup,
    limits,
    environment: options.environment ?? process.env,
    meter: (bytes) => {
      received.value += bytes
    },
    trustedHosts: [...(options.realms ?? []), ...(options.redirects ?? [])],
  })
  const gates = new Gates(upstream, now)
  const health = new Health({ upstream, isDockerHub: options.isDockerHub ?? false, metrics, now })
  const wire = new Wire({ upstream, transport, userAgent, gates, health, metrics, log, now })
  return { transport, gates, health, wire }
}

/** What requests wait in. */
const createQueues = ({ name: upstream, metrics }: UpstreamOptions, limits: UpstreamLimits) => {
  const { upstreamQueueSeconds } = metrics
  const shortQueue = new ShortQueue(limits.requests, (waitS) =>
    upstreamQueueSeconds.observe({ upstream, queue: 'requests' }, waitS),
  )
  const transfers = new TransferQueue(limits.transfers, (waitS) =>
    upstreamQueueSeconds.observe({ upstream, queue: 'transfers' }, waitS),
  )
  return { shortQueue, transfers }
}

/** What requests carry. */
const createAuthorization = (
  options: UpstreamOptions,
  limits: UpstreamLimits,
  now: () => number,
  { wire, shortQueue, health }: { wire: Wire; shortQueue: ShortQueue; health: Health },
) => {
  const { name: upstream, metrics, log, coordinator = new MemoryCoordinator(options.now) } = options
  const account = new Account({
    source: sourceOf(options),
    refusedMs: limits.refusedPasswordMs,
    now,
    onChange: (refusal) => {
      health.noteRefusal(refusal)
      if (refusal === undefined) log.info({ upstream }, 'upstream takes the account again')
      else log.error({ upstream }, refusal)
    },
  })
  const askRealm = createRealmClient({ upstream, wire, shortQueue, deadlineMs: limits.shortMs, now })
  const tokens = new TokenCache(upstream, coordinator, createTokenRequester(askRealm), now)
  const authorization = new Authorization({
    upstream,
    remote: new URL(options.remoteurl),
    realms: options.realms ?? [],
    account,
    tokens,
    onForbiddenRealm: () => metrics.redirectsRefused.inc({ upstream, reason: 'realm' }),
  })
  return { account, authorization, tokens }
}

/** The client of a registry. Nothing is asked before it is needed. */
export const createUpstream = (options: UpstreamOptions): Upstream => {
  const { name, host, now = Date.now, sleep = defaultSleep, random = Math.random } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const { transport, gates, health, wire } = createWire(options, limits, now)
  const { shortQueue, transfers } = createQueues(options, limits)
  const parts = { wire, shortQueue, health }
  const { account, authorization, tokens } = createAuthorization(options, limits, now, parts)
  const repeat = createRepeater({ now, sleep, random }, health)
  const requester = new Requester({ wire, authorization, account, shortQueue, repeat, limits, now })
  const asks = createAsks({ upstream: name, remote: new URL(options.remoteurl) })
  return new Registry({
    name,
    host,
    hasCredentials: account.isConfigured,
    asks,
    requester,
    blobs: new Blobs({ asks, requester, transfers, repeat, limits, now }),
    health,
    callMs: limits.callMs,
    onCorrupt: () => options.metrics.corruptFetches.inc({ upstream: name }),
    now,
    report: () =>
      health.report({
        refusal: () => account.refusal,
        limitedUntilMs: () => gates.limitedUntilMs,
        tokens: () => tokens.count,
        waiting: () => ({ requests: shortQueue.waiting, transfers: transfers.waiting }),
      }),
    close: () => transport.close(),
  })
}
