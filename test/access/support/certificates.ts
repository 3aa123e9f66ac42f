/** Certificates that entrepot itself would not make, for tests of what it accepts. */
import type { KeyedCertificate, Validity } from '../../../src/certs/authority.ts'
import { generateKey, readKey } from '../../../src/certs/keys.ts'
import { loadX509 } from '../../../src/certs/x509.ts'

/** Has `signer` sign a certificate whatever its own says; an authority itself where that is asked. */
export const signAs = async (
  signer: KeyedCertificate,
  { days, nowMs }: Validity,
  { isAuthority = false, pathLength }: { isAuthority?: boolean; pathLength?: number } = {},
): Promise<KeyedCertificate> => {
  const x509 = await loadX509()
  const issuer = new x509.X509Certificate(signer.certificate)
  const signing = await readKey(signer.key)
  const key = await generateKey('ec')
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=made by ${issuer.subject.replace('CN=', '')}`,
    issuer: issuer.subject,
    notBefore: new Date(nowMs - 1000),
    notAfter: new Date(nowMs + days * 86_400_000),
    publicKey: key.pair.publicKey,
    signingKey: signing.pair.privateKey,
    signingAlgorithm: signing.algorithm,
    extensions: [new x509.BasicConstraintsExtension(isAuthority, pathLength, true)],
  })
  return { key: key.pem, certificate: `${certificate.toString('pem')}\n` }
}
