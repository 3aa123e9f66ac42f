/** How clients reach the server of a configuration: what is said, else `http.host`, the certificate, the addresses of this machine. */

import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describeCertificate, readCertificates } from '../../certs/describe.ts'
import { parseListenAddress } from '../../config/address.ts'
import type { LoadedConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { upstreamsOf } from '../../config/upstreams.ts'
import { hostsOf } from '../../wiring/upstreams.ts'
import { UsageError } from '../command.ts'
import type { Authority, Mirror, MirroredRegistry } from './mirror.ts'

/** What the user says of the mirror. */
export interface MirrorOptions {
  /** `https://mirror.example:5000`, or without the scheme. */
  readonly address?: string
  /** File with the authority's certificate. */
  readonly ca?: string
}

const HUB: MirroredRegistry = { name: 'docker.io', hosts: ['docker.io'], isDefault: true }
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/**
 * The mirror as clients see it.
 * @param loaded the server's configuration; where there is none on this machine, what is said and Docker Hub must do
 * @throws UsageError, or what the system says of a file
 */
export const findMirror = ({ config, file }: LoadedConfig, options: MirrorOptions): Mirror => {
  const isElsewhere = file === undefined && options.address !== undefined
  const port = isElsewhere ? 0 : (parseListenAddress(config.http.addr)?.port ?? 0)
  const hasTls = !isElsewhere && config.http.tls?.certificate !== undefined
  const names = hasTls ? certificateNames(config) : []
  const url =
    options.address === undefined ? guessUrl(config, port, names) : parseAddress(options.address, hasTls)
  const own = isElsewhere ? [] : [...ownHosts(config), ...names]
  return {
    url,
    registries: isElsewhere ? [HUB] : registriesOf(config),
    authority: url.startsWith('https:') ? findAuthority(config, options, hasTls) : undefined,
    aliases: new Set(own.map((host) => `${host.toLowerCase()}:${port}`)),
  }
}

const parseAddress = (text: string, hasTls: boolean): string => {
  const full = text.includes('://') ? text : `${hasTls ? 'https' : 'http'}://${text}`
  if (!/^https?:\/\/[^/@]+\/?$/.test(full) || !URL.canParse(full))
    throw new UsageError(`--address ${text}: say it like http://mirror.example:5000`)
  return full.replace(/\/$/, '').toLowerCase()
}

const guessUrl = ({ http }: Config, port: number, names: readonly string[]): string => {
  if (http.host !== undefined) return new URL(http.host).origin
  if (http.net === 'unix')
    throw new UsageError('this server listens on a socket: say --address with the URL that clients know')
  const bound = parseListenAddress(http.addr)?.host
  const isOpen = bound === undefined || bound === '0.0.0.0' || bound === '::'
  const host = names[0] ?? (isOpen ? (ownAddresses()[0] ?? '127.0.0.1') : bracket(bound))
  return `${http.tls?.certificate === undefined ? 'http' : 'https'}://${host}:${port}`
}

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** Addresses of this machine but for loopback, IPv4 first. */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => bracket(address))

/** By which hosts this server answers on its port. */
const ownHosts = ({ http }: Config): string[] => {
  const bound = parseListenAddress(http.addr)?.host
  if (bound !== undefined && bound !== '0.0.0.0' && bound !== '::')
    return [bracket(bound), ...(/^127\./.test(bound) ? ['localhost'] : [])]
  return [...LOOPBACK, hostname(), ...ownAddresses()]
}

const registriesOf = (config: Config): MirroredRegistry[] => {
  const all = upstreamsOf(config)
  return all.map((each) => ({ name: each.name, hosts: hostsOf(each, all), isDefault: each.isDefault }))
}

const certificatesOf = ({ http }: Config): X509Certificate[] =>
  http.tls?.certificate === undefined ? [] : readCertificates(readFileSync(http.tls.certificate, 'utf8'))

/** Hosts that the certificate names, without wildcards. */
const certificateNames = (config: Config): string[] => {
  const [leaf] = certificatesOf(config)
  const names = leaf === undefined ? [] : describeCertificate(leaf).names
  return names.flatMap((name) => {
    const [, kind, value = ''] = /^(DNS|IP Address):(.+)$/.exec(name) ?? []
    return kind === undefined || value.includes('*') ? [] : [bracket(value)]
  })
}

/**
 * The authority that clients have to be told of: what is said, or that which signed the end of the server's chain, as far
 * as it lies beside the certificate. None where everybody trusts it.
 */
const findAuthority = (config: Config, options: MirrorOptions, hasTls: boolean): Authority | undefined => {
  if (options.ca !== undefined) return { file: options.ca, pem: readFileSync(options.ca, 'utf8') }
  const file = config.http.tls?.certificate
  const last = hasTls ? certificatesOf(config).at(-1) : undefined
  if (last === undefined || file === undefined) return undefined
  if (last.verify(last.publicKey)) return { file, pem: last.toString() }
  if (rootCertificates.some((root) => isIssuer(new X509Certificate(root), last))) return undefined
  const folder = dirname(file)
  for (const name of readdirSync(folder).filter((each) => /\.(crt|pem|cer)$/.test(each))) {
    const pem = readFileSync(join(folder, name), 'utf8')
    const issuer = readSafely(pem).find((each) => isIssuer(each, last))
    if (issuer !== undefined) return { file: join(folder, name), pem: issuer.toString() }
  }
  return undefined
}

const readSafely = (pem: string): X509Certificate[] => {
  try {
    return readCertificates(pem)
  } catch {
    // Not every file beside a certificate is one.
    return []
  }
}

const isIssuer = (candidate: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey)
