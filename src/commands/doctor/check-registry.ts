/** The registry itself, asked as a client asks it: whether it answers, in which tongue, to whom, with which certificate and clock. */

import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type PeerCertificate, rootCertificates, type TLSSocket } from 'node:tls'
import { Agent, request } from 'undici'
import { formatDay, serverCertificateProblems } from '../../certs/describe.ts'
import { formatSpan } from '../units.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { isTls, type Mirror } from './mirror.ts'

/** How long the registry may take, in milliseconds. */
const ANSWER_MS = 10_000
/** Clocks further apart than that are told, in milliseconds: tokens and certificates go by them. */
const SKEW_MS = 60_000

/** Asks the registry at the address that clients use. @param nowMs milliseconds since the epoch */
export const checkRegistry = async (mirror: Mirror, now: () => number): Promise<readonly Finding[]> => {
  const agent = new Agent({ connect: { timeout: ANSWER_MS, rejectUnauthorized: false } })
  try {
    const answer = await request(`${mirror.url}/v2/`, {
      dispatcher: agent,
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    await answer.body.dump()
    return [
      describeAnswer(mirror, answer.statusCode, String(answer.headers['www-authenticate'] ?? '')),
      ...checkClock(String(answer.headers.date), now()),
      ...(isTls(mirror) ? await checkCertificate(mirror, now()) : []),
    ]
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return [
      problem(
        `no registry answers at ${mirror.url} (${message || code})`,
        'start it, or say with --address how clients reach it',
      ),
    ]
  } finally {
    await agent.destroy()
  }
}

const describeAnswer = ({ url, registries }: Mirror, status: number, challenge: string): Finding => {
  if (status === 200) return ok(`the registry answers at ${url}`)
  if (status === 401 && /^Bearer /i.test(challenge))
    return ok(`the registry answers at ${url}, and gives tokens`)
  if (status === 401 && registries.length > 0)
    return problem(
      `the registry at ${url} demands a password`,
      'dockerd sends none to a mirror and goes to Docker Hub without a word: set access: mirror and auth.token.entrepot: true',
    )
  if (status === 401) return ok(`the registry answers at ${url}, and wants a login`)
  return problem(
    `what answers at ${url} is no registry (${status})`,
    'say with --address how clients reach the registry',
  )
}

const checkClock = (date: string, nowMs: number): Finding[] => {
  const skewMs = Math.abs(Date.parse(date) - nowMs)
  if (!(skewMs > SKEW_MS)) return []
  return [
    warning(
      `the clocks of this machine and of the registry differ by ${formatSpan(skewMs)}`,
      'tokens and certificates fail by that: set both by NTP',
    ),
  ]
}

/** What clients will hold against the certificate that is shown. */
const checkCertificate = async (mirror: Mirror, nowMs: number): Promise<readonly Finding[]> => {
  const { hostname, port } = new URL(mirror.url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = await shake(host, Number(port) || 443, mirror.authority?.pem)
  try {
    const peer: PeerCertificate = socket.getPeerCertificate()
    const certificate = new X509Certificate(peer.raw)
    const problems = serverCertificateProblems(certificate, nowMs)
    const isNamed = (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
    return [
      ...problems.map((each) => problem(each, 'make one with entrepot certs server')),
      ...(isNamed
        ? []
        : [
            problem(
              `the certificate does not name ${host}, but ${certificate.subjectAltName ?? 'nothing'}`,
              `make one that does: entrepot certs server ${host}, or say with --address by which name clients know it`,
            ),
          ]),
      describeTrust(mirror, socket),
      ...(problems.length === 0 && isNamed
        ? [ok(`the certificate names ${host}, until ${formatDay(Date.parse(certificate.validTo))}`)]
        : []),
    ]
  } finally {
    socket.destroy()
  }
}

const describeTrust = ({ authority }: Mirror, { authorized, authorizationError }: TLSSocket): Finding => {
  if (authorized && authority !== undefined)
    return ok(`the certificate is signed by the authority in ${authority.file}, which clients have to trust`)
  if (authorized) return ok('the certificate is one that everybody trusts')
  return problem(
    `the certificate is not trusted (${authorizationError})`,
    authority === undefined
      ? 'say --ca with the certificate of its authority, which clients have to trust'
      : `${authority.file} is not its authority: say --ca`,
  )
}

const shake = (host: string, port: number, ca: string | undefined): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const authorities = ca === undefined ? {} : { ca: [ca, ...rootCertificates] }
    const name = isIP(host) === 0 ? { servername: host } : {}
    const options = {
      host,
      port,
      rejectUnauthorized: false,
      // Names are looked at apart from trust.
      checkServerIdentity: () => undefined,
      timeout: ANSWER_MS,
      ...name,
      ...authorities,
    }
    const socket = connect(options, () => resolve(socket))
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
  })
