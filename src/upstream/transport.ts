/**
 * The connections of one upstream: a keep-alive pool for each origin, through a proxy where one is due, and the rule
 * that other servers than the upstream itself may not lead further inside a network than it stands.
 */
import tls from 'node:tls'
import type { Agent, Dispatcher, Pool } from 'undici'
import { isInNetwork, literalAddressOf, mayLeadTo, type Zone, zoneOf, zoneOfHost } from './address.ts'
import type { Answer } from './answer.ts'
import { type ConnectorOptions, createConnector, ForbiddenAddressError, type Lookup } from './connector.ts'
import { type Exchange, exchange } from './exchange.ts'
import { inContext, toUpstreamError } from './failure.ts'
import type { UpstreamLimits } from './limits.ts'
import { chooseProxy, type ProxyChoice } from './proxy-choice.ts'

/** How to reach an upstream. */
export interface TransportOptions extends ProxyChoice {
  /** Base URL of the upstream: its host is the one that is trusted. */
  readonly remote: URL
  /** PEM of authorities that are trusted besides those of Node. */
  readonly ca?: string | undefined
  /** Hosts (with or without a port), addresses and networks that it may lead to wherever they are; `any`: all. */
  readonly trustedHosts: readonly string[]
  readonly limits: UpstreamLimits
  readonly lookup?: Lookup | undefined
  /** Told of the bytes of bodies as they come. */
  readonly meter: (bytes: number) => void
}

/** An idle connection is kept this long, in milliseconds, where the server does not say otherwise. */
const IDLE_MS = 30_000
/** … and no longer than this, whatever it says. */
const MAX_IDLE_MS = 10 * 60_000

type Undici = typeof import('undici')

/** Loads what speaks HTTP to upstreams: a tenth of a second, for which no listener waits and a private registry has no use. */
export const loadUndici = (): Promise<Undici> => import('undici')

/** The host of a URL as connections know it: an IPv6 address without its brackets. */
const bareHost = ({ hostname }: URL): string => literalAddressOf(hostname) ?? hostname

/** What Node trusts by itself: with `NODE_EXTRA_CA_CERTS` and the like where it can tell (Node 22.15 and later). */
const nodeAuthorities = (): readonly string[] => {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  return getCACertificates?.('default') ?? tls.rootCertificates
}

/** The connections of one upstream. */
export class Transport {
  readonly #options: TransportOptions
  #undici: Undici | undefined
  #own: Dispatcher | undefined
  #others: Dispatcher | undefined
  readonly #proxies = new Map<string, Dispatcher>()
  /** Where the upstream stands: what its name says, until a connection shows the address. */
  #zone: Zone
  #isZoneSeen = false

  constructor(options: TransportOptions) {
    this.#options = options
    this.#zone = zoneOfHost(options.remote.hostname)
  }

  /**
   * Sends a request to the upstream or to where it sent us.
   * @throws UpstreamError
   */
  async send(request: Exchange): Promise<Answer> {
    const { url, what } = request
    this.#undici ??= await loadUndici()
    const translate = (error: Error, hasHead: boolean) =>
      inContext(toUpstreamError(error, url, hasHead), what)
    return await exchange(this.#dispatcherFor(url, this.#undici), request, {
      translate,
      meter: this.#options.meter,
    })
  }

  /** Ends all requests and closes all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#own, this.#others, ...this.#proxies.values()].map((each) => each?.destroy()))
  }

  #dispatcherFor(url: URL, undici: Undici): Dispatcher {
    const isTrusted = url.hostname === this.#options.remote.hostname || this.#isNamed(url)
    const proxy = chooseProxy(url, this.#options)
    if (proxy === undefined) return isTrusted ? this.#ownAgent(undici) : this.#otherAgent(undici)
    // What a proxy connects to is out of sight: all there is to judge is how the host is spelt.
    if (!isTrusted && !mayLeadTo(this.#zone, zoneOfHost(url.hostname)))
      throw toUpstreamError(new ForbiddenAddressError(url.hostname), url, false)
    return this.#proxyFor(proxy, undici)
  }

  #isNamed(url: URL): boolean {
    return ['any', url.hostname, url.host].some((each) => this.#options.trustedHosts.includes(each))
  }

  #mayLeadToAddress(address: string): boolean {
    return (
      mayLeadTo(this.#zone, zoneOf(address)) ||
      this.#options.trustedHosts.some((network) => isInNetwork(address, network))
    )
  }

  /** Of several addresses the outermost counts: who has once been outside may not lead inside. */
  #learnZone(hostname: string, address: string): void {
    if (hostname !== bareHost(this.#options.remote)) return
    const seen = zoneOf(address)
    if (!this.#isZoneSeen || mayLeadTo(this.#zone, seen)) this.#zone = seen
    this.#isZoneSeen = true
  }

  get #trust(): string[] | undefined {
    const { ca } = this.#options
    return ca === undefined ? undefined : [...nodeAuthorities(), ca]
  }

  get #poolOptions() {
    return {
      maxHeaderSize: this.#options.limits.headerBytes,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: MAX_IDLE_MS,
    }
  }

  #ownAgent(undici: Undici): Dispatcher {
    const onConnect = (hostname: string, address: string) => this.#learnZone(hostname, address)
    this.#own ??= this.#openAgent(undici, { onConnect })
    return this.#own
  }

  #otherAgent(undici: Undici): Dispatcher {
    const isAllowed = (address: string) => this.#mayLeadToAddress(address)
    this.#others ??= this.#openAgent(undici, { isAllowed })
    return this.#others
  }

  #openAgent({ Agent }: Undici, rules: Pick<ConnectorOptions, 'isAllowed' | 'onConnect'>): Agent {
    const { limits, lookup } = this.#options
    const { connectAddressMs, connectMs } = limits
    const options = { connectAddressMs, connectMs, ca: this.#trust, ...(lookup && { lookup }), ...rules }
    return new Agent({ ...this.#poolOptions, connect: createConnector(options) })
  }

  #proxyFor(uri: string, { ProxyAgent, Pool }: Undici): Dispatcher {
    const open = this.#proxies.get(uri)
    if (open !== undefined) return open
    const { connectAddressMs, connectMs } = this.#options.limits
    const ca = this.#trust
    const trust = ca === undefined ? {} : { ca }
    const agent = new ProxyAgent({
      uri,
      ...this.#poolOptions,
      // Plain HTTP is asked of the proxy as such: many forbid tunnels to port 80.
      proxyTunnel: false,
      requestTls: { ...trust, timeout: connectMs } as object,
      proxyTls: { ...trust, timeout: connectMs, autoSelectFamilyAttemptTimeout: connectAddressMs } as object,
      factory: (origin, options) => new Pool(origin, { ...this.#poolOptions, ...(options as Pool.Options) }),
    })
    this.#proxies.set(uri, agent)
    return agent
  }
}
