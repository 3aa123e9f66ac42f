/** The upstreams as an operator sees them, and the outage drill: what goes on while one of them is down. */
import type { Logger } from '../observe/log.ts'
import { RegistryError } from '../protocol/error.ts'
import type { DrillableUpstream } from '../upstream/outage.ts'
import { stateOf } from './upstream-state.ts'

/** Longest drill, in milliseconds: one that is forgotten ends within a day. */
const MAX_OUTAGE_MS = 24 * 3_600_000

/** An upstream, and where it is. */
export interface KnownUpstream {
  readonly upstream: DrillableUpstream
  /** Base URL of its API. */
  readonly remoteurl: string
}

/** What this works with. */
export interface UpstreamsOptions {
  readonly upstreams: readonly KnownUpstream[]
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const toTime = (atMs: number | undefined): string | undefined =>
  atMs === undefined ? undefined : new Date(atMs).toISOString()

/** Without a user and a password, should somebody have written them into it. */
const withoutPassword = (remoteurl: string): string => {
  const url = new URL(remoteurl)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}

/** Tells of upstreams, and declares them down. */
export class Upstreams {
  readonly #options: UpstreamsOptions

  constructor(options: UpstreamsOptions) {
    this.#options = options
  }

  /** All of them, as far as is known without asking. Times are ISO 8601. */
  list() {
    return this.#options.upstreams.map((each) => this.#report(each))
  }

  /**
   * Lets an upstream be treated as unreachable; again: until another time.
   * @throws RegistryError `NAME_UNKNOWN`; `UNSUPPORTED` with 400 for longer than a day
   */
  declareDown(name: string, forMs: number): void {
    const { log, now } = this.#options
    if (forMs > MAX_OUTAGE_MS || forMs <= 0)
      throw new RegistryError('UNSUPPORTED', { status: 400, message: 'for: more than 0, at most 24h' })
    const untilMs = now() + forMs
    this.#find(name).declareDown(untilMs)
    log.warn({ upstream: name, until: toTime(untilMs) }, 'upstream declared down by an operator')
  }

  /** Ends the drill, if there is one. @throws RegistryError `NAME_UNKNOWN` */
  endOutage(name: string): void {
    const upstream = this.#find(name)
    if (upstream.outageUntilMs === undefined) return
    upstream.declareDown(0)
    this.#options.log.info({ upstream: name }, 'upstream no longer declared down')
  }

  #find(name: string): DrillableUpstream {
    const { upstreams } = this.#options
    const found = upstreams.find(({ upstream }) => upstream.name === name)
    if (found !== undefined) return found.upstream
    const names = upstreams.map(({ upstream }) => upstream.name).join(', ')
    throw new RegistryError('NAME_UNKNOWN', {
      message: `there is no upstream ${name.slice(0, 100)}: ${names === '' ? 'none is configured' : `there are ${names}`}`,
    })
  }

  #report({ upstream, remoteurl }: KnownUpstream) {
    const health = upstream.health()
    const { rateLimit, waiting, lastErrorAtMs, limitedUntilMs, outageUntilMs } = health
    return {
      name: upstream.name,
      host: upstream.host,
      remoteurl: withoutPassword(remoteurl),
      hasCredentials: upstream.hasCredentials,
      state: stateOf(health, this.#options.now()),
      lastError: health.lastError,
      lastErrorAt: toTime(lastErrorAtMs),
      limitedUntil: toTime(limitedUntilMs),
      refusedCredentials: health.refusedCredentials,
      rateLimit: rateLimit && {
        limit: rateLimit.limit,
        remaining: rateLimit.remaining,
        windowS: rateLimit.windowS,
        source: rateLimit.source,
        toldAt: toTime(health.rateLimitAtMs),
      },
      tokens: { cached: health.tokens ?? 0 },
      queue: waiting,
      outageUntil: toTime(outageUntilMs),
    }
  }
}
