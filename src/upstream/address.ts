/**
 * How far inside a network an address is. A server out there must not send entrepot to addresses that only entrepot
 * can reach (server-side request forgery), so a redirect may lead outwards or sideways, never further in.
 */
import ipaddr from 'ipaddr.js'

/** From outside to inside: the internet; a private network; this machine and its link (cloud metadata lives there). */
export type Zone = 'public' | 'private' | 'own'

const DEPTH: Readonly<Record<Zone, number>> = { public: 0, private: 1, own: 2 }

const OWN_RANGES: ReadonlySet<string> = new Set(['loopback', 'linkLocal', 'unspecified'])

/** Bytes of an IPv6 address that hold the IPv4 address of a NAT64 translator (RFC 6052, 64:ff9b::/96). */
const NAT64_EMBEDDED = 12

const unwrap = (address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 => {
  if (!(address instanceof ipaddr.IPv6)) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  // On networks without IPv4 everything outside has such an address: what counts is the one inside it.
  return address.range() === 'rfc6052'
    ? new ipaddr.IPv4(address.toByteArray().slice(NAT64_EMBEDDED))
    : address
}

/** The zone of an IP address. What is no address, or has a special purpose, counts as private. */
export const zoneOf = (text: string): Zone => {
  if (!ipaddr.isValid(text)) return 'private'
  const range = unwrap(ipaddr.parse(text)).range()
  if (range === 'unicast') return 'public'
  return OWN_RANGES.has(range) ? 'own' : 'private'
}

/** The host of a URL as an IP address without brackets, or `undefined` where it is a name. */
export const literalAddressOf = (hostname: string): string | undefined => {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  return ipaddr.isValid(bare) ? bare : undefined
}

const isLocalName = (hostname: string): boolean => hostname === 'localhost' || hostname.endsWith('.localhost')

/** The zone of a host as far as its spelling tells it; a name is taken for public. */
export const zoneOfHost = (hostname: string): Zone => {
  if (isLocalName(hostname)) return 'own'
  const literal = literalAddressOf(hostname)
  return literal === undefined ? 'public' : zoneOf(literal)
}

/** Whether a server in zone `from` may send a request on to zone `to`. */
export const mayLeadTo = (from: Zone, to: Zone): boolean => DEPTH[to] <= DEPTH[from]

/** Whether an address lies in a network (`10.0.0.0/8`) or is that very address. `false` for what is neither. */
export const isInNetwork = (address: string, network: string): boolean => {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (ipaddr.isValid(network)) return ipaddr.process(network).toString() === parsed.toString()
  if (!ipaddr.isValidCIDR(network)) return false
  const [base, bits] = ipaddr.parseCIDR(network)
  return base.kind() === parsed.kind() && parsed.match(base, bits)
}
