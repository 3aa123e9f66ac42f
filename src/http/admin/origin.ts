/**
 * Where a call of the admin API may come from: from this machine, or over a wire on which a password does not travel for
 * everybody to read; and not from a page of somebody else's that a browser on such a machine happens to show. Pure.
 */
import { RegistryError } from '../../protocol/error.ts'

/** What is known of a call before it is read. */
export interface CallOrigin {
  readonly method: string
  /** Addresses of the connection's two ends; both empty for a socket of this machine. */
  readonly localAddress: string
  readonly remoteAddress: string
  readonly isEncrypted: boolean
  /** `Host`. */
  readonly host: string
  readonly contentType: string | undefined
  /** `Origin`: what a browser says of the page that asks. */
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`, of newer browsers. */
  readonly fetchSite: string | undefined
}

/** What the configuration says of it. */
export interface OriginRules {
  /** `admin.insecure`. */
  readonly allowsInsecure: boolean
  /** Names, besides those of this machine, that a `Host` may have on a connection from this machine. */
  readonly ownHosts: readonly string[]
}

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/
const LITERAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i

const isLoopback = ({ localAddress, remoteAddress }: CallOrigin): boolean =>
  [localAddress, remoteAddress].every((address) => address === '' || LOOPBACK.test(address))

const nameOf = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()

const denied = (message: string, status = 403): RegistryError =>
  new RegistryError(status === 403 ? 'DENIED' : 'UNSUPPORTED', { message, status })

/**
 * A name that somebody else's DNS may have led here (DNS rebinding): a browser takes the page behind it for ours.
 * @throws RegistryError `DENIED`
 */
const requireHost = (call: CallOrigin, { ownHosts }: OriginRules): void => {
  const name = nameOf(call.host)
  if (!isLoopback(call) || LITERAL.test(name) || ownHosts.includes(name)) return
  if (name === 'localhost' || name.endsWith('.localhost')) return
  throw denied(`the admin API answers to localhost and addresses here, not to ${name.slice(0, 100)}`)
}

/** @throws RegistryError `DENIED` */
const requireSameSite = ({ host, origin, fetchSite }: CallOrigin): void => {
  const isOther = origin !== undefined && origin.replace(/^https?:\/\//, '') !== host
  if (isOther || fetchSite === 'cross-site' || fetchSite === 'same-site')
    throw denied('the admin API takes no calls from pages of other sites')
}

/** Whether credentials would travel for others to read. @throws RegistryError `DENIED` */
const requireSafeWire = (call: CallOrigin, { allowsInsecure }: OriginRules): void => {
  if (allowsInsecure || call.isEncrypted || isLoopback(call)) return
  throw denied(
    'this connection is not encrypted and does not come from this machine: admin calls are taken here only with admin.insecure: true',
  )
}

/** Whether a call comes over a connection from this machine to itself. */
export const isFromHere = isLoopback

/** Of any call. @throws RegistryError `DENIED` */
export const requireOrigin = (call: CallOrigin, rules: OriginRules): void => {
  requireHost(call, rules)
  requireSameSite(call)
}

/** Of a call that needs a login, besides. @throws RegistryError `DENIED`; `UNSUPPORTED` with 415 */
export const requireAdminOrigin = (call: CallOrigin, rules: OriginRules): void => {
  requireSafeWire(call, rules)
  // A form of another page's can send neither other methods nor this type without asking first.
  const type = call.contentType?.split(';')[0]?.trim().toLowerCase()
  if (call.method !== 'GET' && call.method !== 'HEAD' && type !== 'application/json')
    throw denied('what changes something needs Content-Type: application/json', 415)
}
