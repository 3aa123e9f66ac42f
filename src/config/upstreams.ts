/**
 * `proxy` and `upstreams` → the upstreams there are. An entry whose host is that of `proxy.remoteurl` adds its settings
 * to the default upstream; all spellings of Docker Hub are one host (design §2, §5).
 */
import { foldHost } from '../protocol/host.ts'
import type { Config } from './schema.ts'
import type { Amount } from './size.ts'

/** Everything that is configured of an upstream, defaults filled in. */
export interface UpstreamSettings {
  /** First component of its repositories here, and its name in messages and metrics. */
  readonly name: string
  /** What `?ns=` says for it, folded: `docker.io`, `ghcr.io`. */
  readonly host: string
  readonly remoteurl: string
  /** Whether it is the one of `proxy`, whose repositories have no first component. */
  readonly isDefault: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  /** Program that gives the account instead, and how long its answer is good in milliseconds (`undefined`: for ever). */
  readonly exec: { readonly command: string; readonly lifetime?: number | undefined } | undefined
  /** PEM file of authorities trusted besides those of the system. */
  readonly ca: string | undefined
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  readonly realms: readonly string[]
  readonly redirects: readonly string[]
  /** HTTP proxy that overrides those of the environment. */
  readonly proxy: string | undefined
  readonly limits: { readonly requests: number; readonly transfers: number }
  readonly share: Amount | undefined
}

/** The host of the default upstream, folded; `undefined` where there is none. */
export const defaultHostOf = (config: Config): string | undefined =>
  config.proxy.remoteurl === undefined ? undefined : foldHost(new URL(config.proxy.remoteurl).host)

type Entry = Config['upstreams'][number]

const settingsOf = (entry: Entry, config: Config): UpstreamSettings => {
  const host = foldHost(entry.host)
  return {
    name: entry.name ?? host,
    host,
    remoteurl: entry.remoteurl ?? `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}`,
    isDefault: false,
    username: entry.username,
    password: entry.password,
    exec: undefined,
    ca: entry.ca,
    allow: entry.allow,
    deny: entry.deny,
    realms: entry.realms,
    redirects: entry.redirects,
    proxy: entry.proxy,
    limits: {
      requests: entry.limits.requests ?? config.limits.requests,
      transfers: entry.limits.transfers ?? config.limits.transfers,
    },
    share: entry.share,
  }
}

const BARE: Omit<Entry, 'host'> = { allow: [], deny: [], realms: [], redirects: [], limits: {} }

/** All upstreams, the default one first. */
export const upstreamsOf = (config: Config): UpstreamSettings[] => {
  const { remoteurl, username, password, exec } = config.proxy
  const defaultHost = defaultHostOf(config)
  const others = config.upstreams.filter(({ host }) => foldHost(host) !== defaultHost)
  const rest = others.map((entry) => settingsOf(entry, config))
  if (remoteurl === undefined || defaultHost === undefined) return rest
  const entry = config.upstreams.find(({ host }) => foldHost(host) === defaultHost)
  const settings = settingsOf(entry ?? { host: defaultHost, ...BARE }, config)
  const account = settings.username === undefined ? { username, password, exec } : {}
  return [{ ...settings, remoteurl, isDefault: true, ...account }, ...rest]
}
