/** What a PEM file holds, for people: and what is wrong with a certificate that a server is to show. Pure. */
import { createPrivateKey, X509Certificate } from 'node:crypto'

/** A certificate as people ask about it. */
export interface CertificateDescription {
  readonly subject: string
  readonly issuer: string
  /** Hosts and addresses, as `DNS:registry.example` and `IP Address:10.0.0.1`. */
  readonly names: readonly string[]
  /** Milliseconds since the epoch. */
  readonly validFromMs: number
  readonly validToMs: number
  readonly isAuthority: boolean
  /** `EC prime256v1`, `RSA 3072`. */
  readonly key: string
  /** SHA-256 of the DER, in pairs. */
  readonly fingerprint: string
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Expiry closer than this is told at the start, in milliseconds. */
const SOON_MS = 14 * 86_400_000

/** The certificates in a PEM text, in their order; a key or anything else beside them is passed over. */
export const readCertificates = (pem: string): X509Certificate[] =>
  (pem.match(CERTIFICATE) ?? []).map((each) => new X509Certificate(each))

/** Takes a certificate apart. */
export const describeCertificate = (certificate: X509Certificate): CertificateDescription => ({
  subject: certificate.subject?.replaceAll('\n', ', ') ?? '',
  issuer: certificate.issuer?.replaceAll('\n', ', ') ?? '',
  names: certificate.subjectAltName?.split(', ') ?? [],
  validFromMs: Date.parse(certificate.validFrom),
  validToMs: Date.parse(certificate.validTo),
  isAuthority: certificate.ca,
  key: describeKey(certificate),
  fingerprint: certificate.fingerprint256,
})

const describeKey = ({ publicKey }: X509Certificate): string => {
  const { asymmetricKeyType = '', asymmetricKeyDetails: details } = publicKey
  return `${asymmetricKeyType.toUpperCase()} ${details?.modulusLength ?? details?.namedCurve ?? ''}`.trim()
}

/** Whether a private key is that of a certificate. */
export const isKeyOf = (certificate: X509Certificate, keyPem: string): boolean =>
  certificate.checkPrivateKey(createPrivateKey(keyPem))

/**
 * What clients will hold against a server's certificate, a line each; empty: nothing.
 * @param nowMs milliseconds since the epoch
 */
export const serverCertificateProblems = (certificate: X509Certificate, nowMs: number): string[] => {
  const { names, validFromMs, validToMs } = describeCertificate(certificate)
  const problems: string[] = []
  if (names.length === 0)
    problems.push(
      'the certificate has no subjectAltName: clients of today refuse it; make one with `entrepot certs server`',
    )
  if (validToMs < nowMs) problems.push(`the certificate expired on ${formatDay(validToMs)}`)
  else if (validToMs < nowMs + SOON_MS) problems.push(`the certificate expires on ${formatDay(validToMs)}`)
  if (validFromMs > nowMs) problems.push(`the certificate is not valid before ${formatDay(validFromMs)}`)
  return problems
}

/** `2026-11-21` */
export const formatDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
