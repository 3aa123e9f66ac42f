/** What an `Authorization` header says (RFC 9110, 11.4). Pure. */

/** Credentials by their scheme; `none` where there is no header, `other` where it cannot be read. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly account: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'other' }

const HEADER = /^(\w+) +([^\s]+)\s*$/

/** Reads the header. The scheme is case-insensitive; an account ends at the first colon. */
export const parseCredentials = (authorization: string | undefined): Credentials => {
  if (authorization === undefined || authorization === '') return { kind: 'none' }
  const [, scheme, value = ''] = HEADER.exec(authorization) ?? []
  switch (scheme?.toLowerCase()) {
    case 'basic':
      return parseBasic(value)
    case 'bearer':
      return { kind: 'bearer', token: value }
    default:
      return { kind: 'other' }
  }
}

const parseBasic = (value: string): Credentials => {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return { kind: 'other' }
  return { kind: 'basic', account: text.slice(0, colon), password: text.slice(colon + 1) }
}
