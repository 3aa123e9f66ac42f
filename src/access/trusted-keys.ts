/**
 * The keys that tokens may be signed with, by their ids: certificates of a bundle and a JWK Set (protocol.md §5.6).
 * A certificate's key is known by both ids in use, RFC 7638's and libtrust's, so that tokens of servers written for
 * distribution 2.x and for 3.x are accepted alike.
 */
import { createHash, createPublicKey, createSecretKey, type KeyObject, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'

/** What a token's signature is checked against. */
export interface TrustedKeys {
  readonly roots: readonly X509Certificate[]
  readonly keyById: ReadonlyMap<string, KeyObject>
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Bytes of the hash that a libtrust id shows. */
const LIBTRUST_BYTES = 30

/**
 * The keys in a PEM bundle and in a JWK Set; either may be `undefined`.
 * @throws Error where a text does not hold what it should
 */
export const parseTrustedKeys = async (
  rootcertbundle: string | undefined,
  jwks: string | undefined,
): Promise<TrustedKeys> => {
  const roots = rootcertbundle === undefined ? [] : parseBundle(rootcertbundle)
  const keyById = new Map(jwks === undefined ? [] : parseJwks(jwks))
  for (const { publicKey } of roots) {
    keyById.set(await thumbprint(publicKey), publicKey)
    keyById.set(libtrustId(publicKey), publicKey)
  }
  return { roots, keyById }
}

const parseBundle = (text: string): X509Certificate[] => {
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw new Error('it holds no certificate in PEM form')
  return certificates.map((pem) => new X509Certificate(pem))
}

const parseJwks = (text: string): [string, KeyObject][] => {
  const { keys } = JSON.parse(text) as { keys?: JWK[] }
  if (!Array.isArray(keys)) throw new Error('it is no JWK Set: `keys` is missing')
  return keys.map((jwk) => {
    if (typeof jwk.kid !== 'string') throw new Error('a key without `kid` can never be named by a token')
    return [jwk.kid, importJwk(jwk)]
  })
}

const importJwk = (jwk: JWK): KeyObject =>
  jwk.kty === 'oct' && jwk.k !== undefined
    ? createSecretKey(Buffer.from(jwk.k, 'base64url'))
    : createPublicKey({ key: jwk as Record<string, unknown>, format: 'jwk' })

/** The RFC 7638 thumbprint of a public key: distribution 3's id. */
export const thumbprint = (key: KeyObject): Promise<string> =>
  calculateJwkThumbprint(key.export({ format: 'jwk' }) as JWK)

/** The id that libtrust gives a key, and so distribution 2: `PYYO:TEWU:…`, twelve groups of four. */
export const libtrustId = (key: KeyObject): string => {
  const der = key.export({ type: 'spki', format: 'der' })
  const bytes = createHash('sha256').update(der).digest().subarray(0, LIBTRUST_BYTES)
  return base32(bytes).match(/.{4}/g)?.join(':') ?? ''
}

/** RFC 4648 base32 of a multiple of five bytes, so without padding. */
const base32 = (bytes: Buffer): string =>
  [...bytes]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .replace(/.{5}/g, (bits) => BASE32.charAt(Number.parseInt(bits, 2)))

/** Algorithms that a key of this type can have signed with: never one of another type, and never `none`. */
export const algorithmsOf = (key: KeyObject): readonly string[] => {
  if (key.type === 'secret') return ['HS256', 'HS384', 'HS512']
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
    case 'ec':
      return EC_ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? []
    case 'ed25519':
      return ['EdDSA', 'Ed25519']
    default:
      return []
  }
}

const EC_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
}
