/**
 * Where a request comes from, and by which address the client reached this registry, with proxies in between: `Forwarded`
 * (RFC 7239) and `X-Forwarded-*`, as distribution reads them. What they say of the registry's own address changes only
 * the asker's own answer, so anybody may say it; the client's address counts for limits and logs, so only proxies that
 * are trusted are believed.
 */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import ipaddr from 'ipaddr.js'
import type { RequestOrigin } from '../access/authenticate.ts'

/** Most hops of `X-Forwarded-For` that are followed, from the nearest on. */
const MAX_HOPS = 16

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i
const SCHEME = /^https?$/

/** What is known beforehand. */
export interface ForwardedOptions {
  /** `http.host`: by what clients reach this registry, whatever a request says. */
  readonly host: string | undefined
  /** Addresses and networks, besides loopback, whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Whether a proxy that does not say so is taken to speak TLS (`auth.token.autoredirect`). */
  readonly assumesTls: boolean
}

/** Reads where a request comes from. */
export type ReadSource = (req: IncomingMessage) => RequestOrigin

/** @throws Error for a network that is none */
export const createReadSource = ({ host, trustedProxies, assumesTls }: ForwardedOptions): ReadSource => {
  const isTrusted = createIsTrusted(trustedProxies)
  const configured = host === undefined ? undefined : new URL(host).origin
  return (req) => {
    const address = clientAddress(req, isTrusted)
    return new Source(address, configured, req, assumesTls)
  }
}

/** A class, since an object literal with a getter has a shape of its own each time: that is a third of an answer's cost. */
class Source implements RequestOrigin {
  readonly address: string
  readonly #configured: string | undefined
  readonly #req: IncomingMessage
  readonly #assumesTls: boolean

  constructor(address: string, configured: string | undefined, req: IncomingMessage, assumesTls: boolean) {
    this.address = address
    this.#configured = configured
    this.#req = req
    this.#assumesTls = assumesTls
  }

  /** Few answers need it: it is put together when one does. */
  get origin(): string {
    return this.#configured ?? originOf(this.#req, this.#assumesTls)
  }
}

/** Networks of this very machine; a unix socket's peer has no address. */
const LOOPBACK = ['127.0.0.0/8', '::1/128']

const createIsTrusted = (networks: readonly string[]): ((address: string) => boolean) => {
  const ranges = [...LOOPBACK, ...networks].map(parseNetwork)
  return (address) => {
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    return ranges.some(([base, bits]) => parsed.kind() === base.kind() && parsed.match(base, bits))
  }
}

const parseNetwork = (network: string): [ipaddr.IPv4 | ipaddr.IPv6, number] => {
  if (network.includes('/')) return ipaddr.parseCIDR(network)
  const address = ipaddr.process(network)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** The nearest address that is not a trusted proxy's. */
const clientAddress = (req: IncomingMessage, isTrusted: (address: string) => boolean): string => {
  let address = (req.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const header = req.headers['x-forwarded-for']
  if (header === undefined) return address
  const hops = (typeof header === 'string' ? header : header.join(',')).split(',').slice(-MAX_HOPS)
  while (address === '' || isTrusted(address)) {
    const hop = withoutPort(hops.pop()?.trim() ?? '')
    if (!ipaddr.isValid(hop)) return address
    address = ipaddr.process(hop).toString()
  }
  return address
}

/** Some proxies write `192.0.2.1:51234` or `[2001:db8::1]:51234`. */
const withoutPort = (hop: string): string =>
  hop.replace(/^\[([^\]]+)\](:\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')

const originOf = (req: IncomingMessage, assumesTls: boolean): string => {
  const forwarded = readForwarded(first(req.headers.forwarded))
  const schemes = [forwarded.proto, first(req.headers['x-forwarded-proto'])].map((each) =>
    each?.toLowerCase(),
  )
  const scheme = schemes.find((each) => each !== undefined && SCHEME.test(each))
  const hosts = [forwarded.host, first(req.headers['x-forwarded-host']), req.headers.host]
  const host = hosts.find((each) => each !== undefined && HOST.test(each))
  const isTls = assumesTls || (req.socket as TLSSocket).encrypted === true
  return `${scheme ?? (isTls ? 'https' : 'http')}://${host ?? ownAddress(req)}`
}

/** What only a client of HTTP/1.0 needs: it may send no `Host`. */
const ownAddress = ({ socket: { localAddress = 'localhost', localPort } }: IncomingMessage): string =>
  `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort ?? 80}`

/** What the outermost proxy said: each one appends its own. */
const first = (header: string | string[] | undefined): string | undefined =>
  (typeof header === 'string' ? header : header?.[0])?.split(',')[0]?.trim()

const readForwarded = (element = ''): { readonly proto?: string; readonly host?: string } => {
  const pairs = element.split(';').map((pair) => /^\s*(\w+)="?([^"]*)"?\s*$/.exec(pair))
  return Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1]?.toLowerCase(), pair[2]]] : [])))
}
