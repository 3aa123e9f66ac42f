/** `proxy`, `upstreams` and `limits` of the configuration → clients of upstreams, and the names they go by. */
import { readFile } from 'node:fs/promises'
import type { Config } from '../config/schema.ts'
import type { UpstreamSettings } from '../config/upstreams.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { foldHost } from '../protocol/host.ts'
import { isRepositoryName } from '../protocol/name.ts'
import type { UpstreamEntry } from '../repository.ts'
import { createUpstream } from '../upstream/create-upstream.ts'
import { type CredentialSource, helperCredentials } from '../upstream/credentials.ts'
import { DEFAULT_LIMITS, type UpstreamLimits } from '../upstream/limits.ts'
import { DrillableUpstream } from '../upstream/outage.ts'

/** What upstreams are built with. */
interface UpstreamTools {
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** An upstream with what an operator may know of it and do with it. */
export interface OperatedUpstream extends UpstreamEntry {
  readonly upstream: DrillableUpstream
  /** Base URL of its API. */
  readonly remoteurl: string
}

/** Registries that nobody mirrors Docker Hub under: as a default upstream they stand for themselves alone. */
const OTHER_REGISTRIES =
  /(^|\.)(ghcr\.io|quay\.io|gcr\.io|pkg\.dev|registry\.k8s\.io|mcr\.microsoft\.com|azurecr\.io|amazonaws\.com|public\.ecr\.aws|registry\.gitlab\.com)$/

const limitsOf = (settings: UpstreamSettings, limits: Config['limits']): UpstreamLimits => ({
  ...DEFAULT_LIMITS,
  connectAddressMs: limits.connectaddress,
  connectMs: limits.connect,
  shortMs: limits.request,
  callMs: limits.manifest,
  firstByteMs: limits.firstbyte,
  stallMs: limits.stall,
  lastTryMs: limits.lasttry,
  headerBytes: limits.headersize,
  ...settings.limits,
})

/** Hosts that name an upstream: its own, its `name`, and docker.io for a default upstream that may be a mirror of it. */
export const hostsOf = (settings: UpstreamSettings, all: readonly UpstreamSettings[]): string[] => {
  const own = [settings.host, settings.name].map(foldHost)
  const isClaimed = all.some((other) => other !== settings && foldHost(other.host) === 'docker.io')
  const standsForHub =
    settings.isDefault && !isClaimed && !OTHER_REGISTRIES.test(settings.host.replace(/:\d+$/, ''))
  return [...new Set(standsForHub ? [...own, 'docker.io'] : own)]
}

const credentialsFrom = (exec: NonNullable<UpstreamSettings['exec']>, remoteurl: string): CredentialSource =>
  helperCredentials({
    command: exec.command,
    host: new URL(remoteurl).host,
    lifetimeMs: exec.lifetime,
    now: Date.now,
  })

/**
 * Builds the clients of all upstreams.
 * @throws the operating system's error for a CA file that cannot be read
 */
export const createUpstreams = async (
  all: readonly UpstreamSettings[],
  limits: Config['limits'],
  tools: UpstreamTools,
): Promise<OperatedUpstream[]> =>
  Promise.all(
    all.map(async (settings) => {
      const {
        name,
        host,
        remoteurl,
        username,
        password,
        exec,
        ca,
        realms,
        redirects,
        proxy,
        isDefault,
        allow,
        deny,
      } = settings
      const hosts = hostsOf(settings, all)
      const isDockerHub = hosts.includes('docker.io')
      const client = createUpstream({
        name,
        host,
        isDockerHub,
        remoteurl,
        username,
        password,
        credentials: exec && credentialsFrom(exec, remoteurl),
        ca: ca === undefined ? undefined : await readFile(ca, 'utf8'),
        realms,
        redirects,
        proxy,
        limits: limitsOf(settings, limits),
        ...tools,
      })
      const upstream = new DrillableUpstream(client, tools.now)
      const prefix = isRepositoryName(host) ? host : name
      return { upstream, remoteurl, hosts, isDefault, prefix, isDockerHub, allow, deny }
    }),
  )
