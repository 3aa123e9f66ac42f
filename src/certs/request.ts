/** Requests for certificates (PKCS #10, RFC 2986): made here for another authority, or from elsewhere for ours. */
import type { Pkcs10CertificateRequest } from '@peculiar/x509'
import { type KeyedCertificate, signCertificate, type Validity } from './authority.ts'
import { generateKey, type KeyKind } from './keys.ts'
import { parseSubjectName, type SubjectName } from './names.ts'
import { loadX509 } from './x509.ts'

/** Makes a key and a request for a certificate for a server of these names, both PEM. */
export const createRequest = async (
  names: readonly SubjectName[],
  kind: KeyKind,
): Promise<{ readonly key: string; readonly request: string }> => {
  const x509 = await loadX509()
  const key = await generateKey(kind)
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [names[0]?.value ?? ''] }],
    keys: key.pair,
    signingAlgorithm: key.algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([...names])],
  })
  return { key: key.pem, request: `${request.toString('pem')}\n` }
}

/**
 * Signs a request. The names are those given, else those that it asks for, else its common name, which old recipes
 * have alone. Nothing else that it asks for is granted, least of all to be an authority.
 * @returns the certificate, PEM
 * @throws Error where the request is damaged, not signed by its own key, or names nothing
 */
export const signRequest = async (
  authority: KeyedCertificate,
  requestPem: string,
  names: readonly SubjectName[],
  validity: Validity,
): Promise<string> => {
  const { Pkcs10CertificateRequest } = await loadX509()
  const request = new Pkcs10CertificateRequest(requestPem)
  if (!(await request.verify())) throw new Error('the request is not signed by the key that it is for')
  const granted = names.length > 0 ? names : await requestedNames(request)
  const [first] = granted
  if (first === undefined) throw new Error('the request names no host and no address; say them')
  const commonName = commonNameOf(request) ?? first.value
  return signCertificate(authority, { publicKey: request.publicKey, commonName, names: granted }, validity)
}

/** Who asks, and for which names, as `DNS:…` and `IP Address:…`. @throws where the text is no request */
export const describeRequest = async (
  requestPem: string,
): Promise<{ readonly subject: string; readonly names: readonly string[] }> => {
  const { Pkcs10CertificateRequest } = await loadX509()
  const request = new Pkcs10CertificateRequest(requestPem)
  const names = await alternativeNames(request)
  return {
    subject: request.subject,
    names: names.map(({ type, value }) => `${type === 'dns' ? 'DNS' : 'IP Address'}:${value}`),
  }
}

const requestedNames = async (request: Pkcs10CertificateRequest): Promise<SubjectName[]> => {
  const asked = await alternativeNames(request)
  const commonName = commonNameOf(request)
  return asked.length > 0 || commonName === undefined ? asked : [parseSubjectName(commonName)]
}

const alternativeNames = async (request: Pkcs10CertificateRequest): Promise<SubjectName[]> => {
  const { SubjectAlternativeNameExtension } = await loadX509()
  return request.extensions
    .filter((each) => each instanceof SubjectAlternativeNameExtension)
    .flatMap((each) => each.names.items)
    .filter(({ type }) => type === 'dns' || type === 'ip')
    .map(({ value }) => parseSubjectName(value))
}

const commonNameOf = (request: Pkcs10CertificateRequest): string | undefined =>
  request.subjectName.getField('CN')[0]
