/**
 * The authorization service of the upstream (distribution, "Token Authentication"): signs what docker-registry accepts,
 * ES256 with the certificate in `x5c`. Anybody may pull what is not under `private/`; the account may pull that too.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { importPKCS8, SignJWT } from 'jose'
import { cleanEnvironment } from '../environment.ts'
import { run } from '../run.ts'
import { type RequestLog, readRequest } from './request-log.ts'

/** A grant, as in the `access` claim. */
export interface Access {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** The account that may pull `private/…`. */
export const ACCOUNT = { username: 'shipper', password: 'Lading-1729' } as const

/** `service` of the challenge and `aud` of the tokens. */
export const SERVICE = 'registry.upstream.test'
/** `iss` of the tokens. */
export const ISSUER = 'auth.upstream.test'

const TOKEN_LIFE_S = 300

/** Signs tokens with a key of its own. */
export interface Signer {
  /** PEM file for docker-registry's `rootcertbundle`. */
  readonly certificateFile: string
  /** A token that grants `access`. */
  sign(access: readonly Access[], account: string): Promise<string>
}

const CERTIFICATE = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
const PEM_FRAME = /-----[^-]+-----|\s/g

/** Makes a key and a self-signed certificate in `folder`. */
export const createSigner = async (folder: string): Promise<Signer> => {
  const keyFile = `${folder}/token.key`
  const certificateFile = `${folder}/token.crt`
  const files = ['-keyout', keyFile, '-out', certificateFile, '-days', '2', '-subj', '/CN=auth.upstream.test']
  await run('openssl', [...CERTIFICATE, ...files], { env: cleanEnvironment(folder) })
  const key = await importPKCS8(await readFile(keyFile, 'utf8'), 'ES256')
  const x5c = [(await readFile(certificateFile, 'utf8')).replaceAll(PEM_FRAME, '')]
  return {
    certificateFile,
    sign: (access, account) =>
      new SignJWT({ access })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', x5c })
        .setIssuer(ISSUER)
        .setSubject(account)
        .setAudience(SERVICE)
        .setJti(randomUUID())
        .setIssuedAt()
        .setNotBefore('0s')
        .setExpirationTime(`${TOKEN_LIFE_S}s`)
        .sign(key),
  }
}

const parseScope = (scope: string): Access => {
  const [type = '', ...rest] = scope.split(':')
  return { type, name: rest.slice(0, -1).join(':'), actions: rest.at(-1)?.split(',') ?? [] }
}

const mayPull = ({ type, name }: Access, account: string): boolean =>
  type === 'repository' && (account !== '' || !name.startsWith('private/'))

const grant = (scopes: readonly string[], account: string, takesPushes: boolean): Access[] => {
  const allowed = takesPushes && account !== '' ? ['pull', 'push'] : ['pull']
  return scopes
    .flatMap((scope) => scope.split(' '))
    .map(parseScope)
    .filter((wanted) => wanted.actions.includes('pull') && mayPull(wanted, account))
    .map(({ type, name, actions }) => ({
      type,
      name,
      actions: actions.filter((action) => allowed.includes(action)),
    }))
}

/** The account that the request names; empty for nobody; undefined for wrong credentials. */
const accountOf = ({ headers }: IncomingMessage): string | undefined => {
  if (headers.authorization === undefined) return ''
  const expected = Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString('base64')
  return headers.authorization === `Basic ${expected}` ? ACCOUNT.username : undefined
}

/** The service itself, not yet listening; the account may push where it `takesPushes`. */
export const createTokenService = (signer: Signer, log: RequestLog, takesPushes = false): Server => {
  const answer = async (req: IncomingMessage): Promise<[number, object]> => {
    const account = accountOf(req)
    if (account === undefined)
      return [401, { errors: [{ code: 'UNAUTHORIZED', message: 'wrong credentials' }] }]
    const scopes = new URL(req.url ?? '/', 'http://any').searchParams.getAll('scope')
    return [
      200,
      { token: await signer.sign(grant(scopes, account, takesPushes), account), expires_in: TOKEN_LIFE_S },
    ]
  }
  return createServer((req, res) => {
    log.add(readRequest(req))
    answer(req).then(
      ([status, body]) => {
        res.writeHead(status, { 'content-type': 'application/json' })
        res.end(JSON.stringify(body))
      },
      (error: Error) => res.destroy(error),
    )
  })
}
