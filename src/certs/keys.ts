/** Private keys: made, read from the PEM of any tool, and as the X.509 library wants them. */
import { createPrivateKey, createPublicKey, type KeyObject, webcrypto } from 'node:crypto'

/** Kinds of keys that are made. Elliptic: small and fast, known to every client since about 2012. */
export type KeyKind = 'ec' | 'rsa'

/** A private key that can sign certificates. */
export interface SigningKey {
  readonly pair: webcrypto.CryptoKeyPair
  /** What the library signs with. */
  readonly algorithm: webcrypto.EcdsaParams | webcrypto.Algorithm
  /** PKCS #8, PEM. */
  readonly pem: string
}

/** Size of RSA keys that are made, in bits. */
const RSA_BITS = 3072

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

const KINDS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256' },
  rsa: { ...RSA, modulusLength: RSA_BITS, publicExponent: new Uint8Array([1, 0, 1]) },
} as const satisfies Record<KeyKind, webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams>

/** OpenSSL's name of a curve → the web's, and the hash that goes with it. */
const CURVES: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { namedCurve: 'P-521', hash: 'SHA-512' },
}

/** Makes a new key. */
export const generateKey = async (kind: KeyKind): Promise<SigningKey> => {
  const pair = (await webcrypto.subtle.generateKey(KINDS[kind], true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey))
  return importKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
}

/**
 * The key in a PEM file: PKCS #8, or the older forms of OpenSSL.
 * @throws Error where it is none that certificates can be signed with
 */
export const readKey = async (pem: string): Promise<SigningKey> => {
  if (/ENCRYPTED/.test(pem))
    throw new Error('the key is encrypted; take the passphrase off with `openssl pkey`')
  return importKey(createPrivateKey(pem))
}

const importKey = async (key: KeyObject): Promise<SigningKey> => {
  const { importAs, algorithm } = algorithmOf(key)
  const { subtle } = webcrypto
  const privateDer = key.export({ type: 'pkcs8', format: 'der' })
  const publicDer = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const pair = {
    privateKey: await subtle.importKey('pkcs8', privateDer, importAs, true, ['sign']),
    publicKey: await subtle.importKey('spki', publicDer, importAs, true, ['verify']),
  }
  return { pair, algorithm, pem: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

const algorithmOf = (key: KeyObject) => {
  if (key.asymmetricKeyType === 'rsa') return { importAs: RSA, algorithm: RSA }
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (curve !== undefined)
    return {
      importAs: { name: 'ECDSA', namedCurve: curve.namedCurve },
      algorithm: { name: 'ECDSA', hash: curve.hash },
    }
  throw new Error('certificates are signed with RSA keys or with those of P-256, P-384 and P-521')
}
