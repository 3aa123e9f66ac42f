/**
 * Digests (image-spec, Descriptors, Digests): `algorithm:encoded`, the name of bytes by their hash. `sha256` and
 * `sha512` are supported; any other algorithm of right grammar is "valid but unsupported".
 */
import { createHash, type Hash } from 'node:crypto'
import { RegistryError } from './error.ts'

/** The hash algorithms that entrepot verifies. */
export type DigestAlgorithm = 'sha256' | 'sha512'

/** A digest that {@link parseDigest} has seen: known algorithm, lower-case hex of the right length. */
export type Digest = string & { readonly __brand: 'Digest' }

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

/** Whether `text` is a digest that entrepot can verify. */
export const isDigest = (text: string): text is Digest => DIGEST.test(text)

/**
 * The digest written in `text`.
 * @throws RegistryError `DIGEST_INVALID` for a wrong grammar or an algorithm other than sha256 and sha512
 */
export const parseDigest = (text: string): Digest => {
  if (isDigest(text)) return text
  throw new RegistryError('DIGEST_INVALID', {
    message: 'invalid digest: use sha256:<64 hex> or sha512:<128 hex>, lower case',
    detail: { digest: text.slice(0, 160) },
  })
}

/** The algorithm of a digest. */
export const algorithmOf = (digest: Digest): DigestAlgorithm => digest.slice(0, 6) as DigestAlgorithm

/** The hex part of a digest. */
export const encodedOf = (digest: Digest): string => digest.slice(7)

/** A running hash for the algorithm of a digest, or for a named one. */
export const createDigester = (algorithm: DigestAlgorithm): Hash => createHash(algorithm)

/** Ends a running hash and names what it read. */
export const finishDigest = (algorithm: DigestAlgorithm, hash: Hash): Digest =>
  `${algorithm}:${hash.digest('hex')}` as Digest

/** The digest of bytes already in memory. */
export const digestOf = (bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest =>
  finishDigest(algorithm, createHash(algorithm).update(bytes))
