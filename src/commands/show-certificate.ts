/** What `entrepot certs show` says of a file. */
import { createPrivateKey, createPublicKey, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  describeCertificate,
  formatDay,
  readCertificates,
  serverCertificateProblems,
} from '../certs/describe.ts'
import { describeRequest } from '../certs/request.ts'
import { CommandError } from './command.ts'

const DAY_MS = 86_400_000

/** The file's certificates, request or key, in lines for people. */
export const showFile = async (file: string, nowMs: number): Promise<string> => {
  const text = await readFile(file, 'utf8')
  const certificates = readCertificates(text).map((each) => showCertificate(each, nowMs))
  const others = [await showRequest(text), showKey(text)].filter((each) => each !== undefined)
  const all = [...certificates, ...others]
  if (all.length === 0) throw new CommandError('there is no certificate, request or key in PEM form in it')
  return all.map((lines) => `${file}: ${lines.join('\n  ')}\n`).join('')
}

const showCertificate = (certificate: X509Certificate, nowMs: number): string[] => {
  const { subject, issuer, names, validFromMs, validToMs, isAuthority, key, fingerprint } =
    describeCertificate(certificate)
  const days = Math.floor((validToMs - nowMs) / DAY_MS)
  return [
    isAuthority ? 'certificate of an authority' : 'certificate',
    `subject      ${subject}`,
    `issuer       ${issuer}${subject === issuer ? ' (itself)' : ''}`,
    ...(names.length > 0 ? [`names        ${names.join(', ')}`] : []),
    `valid        ${formatDay(validFromMs)} to ${formatDay(validToMs)}, ${days < 0 ? `over for ${-days} days` : `${days} days left`}`,
    `key          ${key}`,
    `fingerprint  SHA-256 ${fingerprint}`,
    ...(isAuthority
      ? []
      : serverCertificateProblems(certificate, nowMs).map((problem) => `!            ${problem}`)),
  ]
}

const showRequest = async (text: string): Promise<string[] | undefined> => {
  if (!/BEGIN (NEW )?CERTIFICATE REQUEST/.test(text)) return undefined
  const { subject, names } = await describeRequest(text)
  return [
    'request for a certificate',
    `subject      ${subject}`,
    names.length > 0
      ? `names        ${names.join(', ')}`
      : '!            it asks for no subjectAltName; `entrepot certs sign` takes the common name, or names that are said',
  ]
}

const showKey = (text: string): string[] | undefined => {
  if (!/BEGIN [A-Z ]*PRIVATE KEY/.test(text)) return undefined
  if (/ENCRYPTED/.test(text)) return ['private key, encrypted: a server cannot use it']
  const { asymmetricKeyType = '', asymmetricKeyDetails: details } = createPublicKey(createPrivateKey(text))
  return [
    `private key, ${asymmetricKeyType.toUpperCase()} ${details?.modulusLength ?? details?.namedCurve ?? ''}`,
  ]
}
