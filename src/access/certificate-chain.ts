/**
 * Whether a chain of certificates ends at one that is trusted: for the `x5c` header of tokens (RFC 7515, 4.1.6). What
 * Go's `x509.Verify` demands of a chain without a host name: signatures, validity, CA flags, path lengths.
 */
import { type KeyObject, X509Certificate } from 'node:crypto'
import { loadX509 } from '../certs/x509.ts'

/** Longest chain that is looked at. */
const MAX_CHAIN = 8

/**
 * The key of the first certificate of `x5c`.
 * @param x5c base64 DER, the signer first
 * @param nowMs milliseconds since the epoch
 * @throws Error that says what is wrong with the chain
 */
export const verifyChain = async (
  x5c: readonly string[],
  roots: readonly X509Certificate[],
  nowMs: number,
): Promise<KeyObject> => {
  if (x5c.length > MAX_CHAIN) throw new Error(`a chain of ${x5c.length} certificates; allowed: ${MAX_CHAIN}`)
  const [leaf, ...intermediates] = x5c.map((der) => new X509Certificate(Buffer.from(der, 'base64')))
  if (leaf === undefined) throw new Error('a chain without a certificate')
  if (!isValidAt(leaf, nowMs)) throw new Error('the certificate is not valid now')
  let current = leaf
  for (let depth = 0; ; depth++) {
    if (roots.some((root) => root.raw.equals(current.raw))) return leaf.publicKey
    if ((await findIssuer(roots, current, depth, nowMs)) !== undefined) return leaf.publicKey
    const issuer = await findIssuer(intermediates, current, depth, nowMs)
    if (issuer === undefined) throw new Error('the chain does not end at a certificate that is trusted')
    intermediates.splice(intermediates.indexOf(issuer), 1)
    current = issuer
  }
}

/** @param depth how many certificates stand between the leaf and the issuer */
const findIssuer = async (
  candidates: readonly X509Certificate[],
  issued: X509Certificate,
  depth: number,
  nowMs: number,
): Promise<X509Certificate | undefined> => {
  for (const candidate of candidates) {
    const isIssuer =
      candidate.ca &&
      issued.checkIssued(candidate) &&
      isValidAt(candidate, nowMs) &&
      issued.verify(candidate.publicKey)
    if (isIssuer && depth <= (await maxPathLength(candidate, depth))) return candidate
  }
  return undefined
}

const isValidAt = ({ validFrom, validTo }: X509Certificate, nowMs: number): boolean =>
  Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)

/** How many certificates may stand between the leaf and this one. Every length allows none: most chains end there. */
const maxPathLength = async (certificate: X509Certificate, depth: number): Promise<number> => {
  if (depth === 0) return 0
  const { BasicConstraintsExtension, X509Certificate: Parsed } = await loadX509()
  return new Parsed(certificate.raw).getExtension(BasicConstraintsExtension)?.pathLength ?? MAX_CHAIN
}
