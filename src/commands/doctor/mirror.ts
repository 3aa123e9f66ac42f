/** The mirror as its clients see it: address, TLS, authority, and whose content it has. Pure. */

/** An authority that clients must be told to trust. */
export interface Authority {
  /** File with its certificate, on this machine. */
  readonly file: string
  /** The certificate in PEM form. */
  readonly pem: string
}

/** An upstream, for clients. */
export interface MirroredRegistry {
  /** First component of its repositories here. */
  readonly name: string
  /** Hosts that clients name it by; the first is the usual one. */
  readonly hosts: readonly string[]
  /** Whether its repositories have no first component here. */
  readonly isDefault: boolean
}

/** The mirror, for clients. */
export interface Mirror {
  /** Origin by which clients reach it: `http://10.0.0.1:5000`. */
  readonly url: string
  readonly registries: readonly MirroredRegistry[]
  /** `undefined`: clients trust it already, it is plain HTTP, or the file is not known. */
  readonly authority: Authority | undefined
  /** Hosts with ports, in lower case, that are this server, too. */
  readonly aliases: ReadonlySet<string>
}

/** Host and port of the mirror, as in image names. */
export const authorityOf = ({ url }: Pick<Mirror, 'url'>): string => url.replace(/^https?:\/\//, '')

/** Whether it is reached by TLS. */
export const isTls = ({ url }: Pick<Mirror, 'url'>): boolean => url.startsWith('https:')

/** Whether it stands for Docker Hub by bare names, which is all that dockerd knows of mirrors. */
export const isHub = ({ registries }: Pick<Mirror, 'registries'>): boolean =>
  registries.some(({ isDefault, hosts }) => isDefault && hosts.includes('docker.io'))

/** Host and port of a URL or of the beginning of an image's name: `http://M:80/x` → `m:80`. */
const hostAndPortOf = (text: string): string => {
  const match = /^(?:(https?):\/\/)?([^/]*)/i.exec(text)
  const host = (match?.[2] ?? '').toLowerCase()
  if (/:\d+$/.test(host) || match?.[1] === undefined) return host
  return `${host}:${match[1].toLowerCase() === 'https' ? 443 : 80}`
}

/** Whether a URL or an image's name leads to this mirror. */
export const isMirror = (mirror: Mirror, text: string): boolean => {
  const host = hostAndPortOf(text)
  return host === hostAndPortOf(mirror.url) || host === authorityOf(mirror) || mirror.aliases.has(host)
}

/** A registry by the host that clients name. */
export const clientHostOf = ({ hosts }: MirroredRegistry): string =>
  hosts.includes('docker.io') ? 'docker.io' : (hosts[0] ?? '')
