/**
 * A small certificate authority (RFC 5280): makes itself, and signs what it is given. The DER is the library's affair;
 * here stands what the certificates of a registry have to say.
 */
import { createPrivateKey, X509Certificate as NodeCertificate, type webcrypto } from 'node:crypto'
import type { Extension, PublicKey } from '@peculiar/x509'
import { generateKey, type KeyKind, readKey } from './keys.ts'
import type { SubjectName } from './names.ts'
import { loadX509 } from './x509.ts'

/** A key and the certificate that says whose it is, both PEM. */
export interface KeyedCertificate {
  readonly key: string
  readonly certificate: string
}

/** How long a certificate is valid, and when it is made. */
export interface Validity {
  readonly days: number
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** Whom a certificate is for, and what it is good for. */
export interface Subject {
  readonly publicKey: PublicKey | webcrypto.CryptoKey
  readonly commonName: string
  /** Hosts and addresses of a server; empty where it is for none. */
  readonly names: readonly SubjectName[]
}

/** Validity begins this long ago, in milliseconds: some clients' clocks are late. */
const BACKDATE_MS = 5 * 60_000
const DAY_MS = 86_400_000

/** Longest common name, in characters (RFC 5280, upper bounds); nobody who matters reads it. */
const MAX_COMMON_NAME = 64

/** Extended key usage of a TLS server. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/** Makes an authority that signs itself; it may sign certificates, and no further authorities. */
export const createAuthority = async (
  commonName: string,
  kind: KeyKind,
  validity: Validity,
): Promise<KeyedCertificate> => {
  const x509 = await loadX509()
  const key = await generateKey(kind)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...terms(validity),
    name: subjectOf(commonName),
    keys: key.pair,
    signingAlgorithm: key.algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(key.pair.publicKey),
    ],
  })
  return { key: key.pem, certificate: pemOf(certificate) }
}

/** Makes a key and has its certificate signed: for a server where there are names, else for signatures alone. */
export const issueCertificate = async (
  authority: KeyedCertificate,
  { commonName, names }: Omit<Subject, 'publicKey'>,
  kind: KeyKind,
  validity: Validity,
): Promise<KeyedCertificate> => {
  const key = await generateKey(kind)
  const subject = { publicKey: key.pair.publicKey, commonName, names }
  return { key: key.pem, certificate: await signCertificate(authority, subject, validity) }
}

/**
 * Signs a certificate for somebody's key, PEM.
 * @throws Error where `authority` is none, or its key is another's
 */
export const signCertificate = async (
  authority: KeyedCertificate,
  subject: Subject,
  validity: Validity,
): Promise<string> => {
  assertIsAuthority(authority)
  const x509 = await loadX509()
  const issuer = new x509.X509Certificate(authority.certificate)
  const key = await readKey(authority.key)
  const certificate = await x509.X509CertificateGenerator.create({
    ...terms(validity),
    subject: subjectOf(subject.commonName),
    issuer: issuer.subjectName.toJSON(),
    publicKey: subject.publicKey,
    signingKey: key.pair.privateKey,
    signingAlgorithm: key.algorithm,
    extensions: await extensionsFor(subject, issuer),
  })
  return pemOf(certificate)
}

const assertIsAuthority = ({ certificate, key }: KeyedCertificate): void => {
  const parsed = new NodeCertificate(certificate)
  if (!parsed.ca) throw new Error('the certificate is not that of an authority (CA:TRUE is missing)')
  if (!parsed.checkPrivateKey(createPrivateKey(key)))
    throw new Error('the key is not that of the authority’s certificate')
}

const extensionsFor = async (
  { publicKey, names }: Subject,
  issuer: { readonly publicKey: PublicKey },
): Promise<Extension[]> => {
  const x509 = await loadX509()
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
  const isServer = names.length > 0
  const isRsa = publicKey.algorithm.name.startsWith('RSA')
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(
      isServer && isRsa ? digitalSignature | keyEncipherment : digitalSignature,
      true,
    ),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ...(isServer
      ? [
          new x509.ExtendedKeyUsageExtension([SERVER_AUTH]),
          new x509.SubjectAlternativeNameExtension([...names]),
        ]
      : []),
  ]
}

const subjectOf = (commonName: string) => [{ CN: [commonName.slice(0, MAX_COMMON_NAME)] }]

const terms = ({ days, nowMs }: Validity) => ({
  notBefore: new Date(nowMs - BACKDATE_MS),
  notAfter: new Date(nowMs + days * DAY_MS),
})

const pemOf = (certificate: { toString(format: 'pem'): string }): string => `${certificate.toString('pem')}\n`
