/**
 * Which proxy a request goes through: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` in both cases, with the meaning that
 * Go gives them (golang.org/x/net/http/httpproxy), since people's registries and clients obey them that way. Pure.
 */
import { isInNetwork, literalAddressOf, zoneOfHost } from './address.ts'

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Which proxy to use. */
export interface ProxyChoice {
  /** Used for everything, whatever the environment says. */
  readonly proxy?: string | undefined
  readonly environment: Environment
}

const SCHEME = /^(?:https?|socks5h?):\/\//i

const variable = (environment: Environment, name: string): string | undefined =>
  environment[name] || environment[name.toLowerCase()] || undefined

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80')

/** Splits `host:port`, `[v6]:port`, `v6` and CIDRs; the port is `undefined` where there is none. */
const splitPort = (entry: string): { host: string; port: string | undefined } => {
  const match = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry)
  const host = match?.[1] ?? entry
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: match?.[2] }
}

const matchesName = (hostname: string, entry: string): boolean => {
  if (entry.startsWith('*.')) return matchesName(hostname, entry.slice(1))
  if (entry.startsWith('.')) return hostname.endsWith(entry)
  return hostname === entry || hostname.endsWith(`.${entry}`)
}

const isExcepted = (url: URL, noProxy: string): boolean => {
  const hostname = url.hostname.toLowerCase().replace(/\.$/, '')
  const literal = literalAddressOf(hostname)
  return noProxy
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .some((entry) => {
      if (entry === '*') return true
      const { host, port } = splitPort(entry)
      if (host === '' || (port !== undefined && port !== portOf(url))) return false
      return literal === undefined ? matchesName(hostname, host) : isInNetwork(literal, host)
    })
}

/**
 * The proxy for a request, as a URL with its scheme, or `undefined` to connect directly. Loopback is never proxied
 * unless a proxy is configured for this upstream.
 */
export const chooseProxy = (url: URL, { proxy, environment }: ProxyChoice): string | undefined => {
  const found = proxy ?? variable(environment, url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (found === undefined || found === '') return undefined
  const withScheme = SCHEME.test(found) ? found : `http://${found}`
  if (proxy !== undefined) return withScheme
  const isLoopback = zoneOfHost(url.hostname) === 'own'
  return isLoopback || isExcepted(url, variable(environment, 'NO_PROXY') ?? '') ? undefined : withScheme
}
