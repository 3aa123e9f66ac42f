/**
 * The names a certificate is for: hosts and addresses, as `subjectAltName` holds them (RFC 5280, 4.2.1.6). Clients in
 * use look at nothing else: Go has ignored the common name since 1.15. Pure.
 */
import ipaddr from 'ipaddr.js'

/** A host name or an address. */
export interface SubjectName {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/** Longest host name, in characters. */
const MAX_HOST_LENGTH = 253

const HOST = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/

/**
 * What a person wrote: `registry.example`, `*.example`, `10.0.0.1`, `::1`.
 * @throws Error that says what is wrong, and what is allowed
 */
export const parseSubjectName = (text: string): SubjectName => {
  const unbracketed = text.replace(/^\[(.*)\]$/, '$1')
  if (isAddress(unbracketed)) return { type: 'ip', value: ipaddr.parse(unbracketed).toString() }
  const host = text.toLowerCase().replace(/\.$/, '')
  if (HOST.test(host) && host.length <= MAX_HOST_LENGTH && !/^[\d.]+$/.test(host))
    return { type: 'dns', value: host }
  throw new Error(
    `${JSON.stringify(text)} is neither a host name nor an address; a port or https:// is no part of it`,
  )
}

/** `ipaddr.js` also reads `10.1` as an address, which nobody means. */
const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
