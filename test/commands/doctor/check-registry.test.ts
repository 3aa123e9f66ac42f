import assert from 'node:assert/strict'
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { before, describe, it } from 'node:test'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../../src/certs/authority.ts'
import { checkRegistry } from '../../../src/commands/doctor/check-registry.ts'
import { inShort, PLAIN, SECURE } from './files.ts'

/** Checks a registry that answers so, at an address whose port is put in. */
const examine = async (server: Server, url: string, over: object = {}, now = Date.now): Promise<string[]> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const base = url.startsWith('https') ? SECURE : PLAIN
  const findings = await checkRegistry({ ...base, url: `${url}:${port}`, ...over }, now)
  await new Promise((resolve) => server.close(resolve))
  return inShort(findings).map((each) => each.replaceAll(`:${port}`, ':PORT'))
}

describe('a registry by plain HTTP', () => {
  const answering = (status: number, headers: Record<string, string> = {}): Server =>
    createPlainServer((_req, res) => {
      res.writeHead(status, headers).end()
    })
  const URL = 'http://127.0.0.1'

  const cases: [what: string, server: Server, finding: string][] = [
    ['is well', answering(200), 'ok: the registry answers at http://127.0.0.1:PORT'],
    [
      'gives tokens',
      answering(401, { 'www-authenticate': 'Bearer realm="x"' }),
      'ok: the registry answers at http://127.0.0.1:PORT, and gives tokens',
    ],
    [
      'demands a password, which dockerd does not have for a mirror',
      answering(401, { 'www-authenticate': 'Basic realm="x"' }),
      'problem: the registry at http://127.0.0.1:PORT demands a password',
    ],
    [
      'is something else',
      answering(404),
      'problem: what answers at http://127.0.0.1:PORT is no registry (404)',
    ],
  ]
  for (const [what, server, finding] of cases)
    it(what, async () => assert.deepEqual(await examine(server, URL), [finding]))

  it('may demand one where nothing is mirrored', async () => {
    const server = answering(401, { 'www-authenticate': 'Basic realm="x"' })
    assert.match((await examine(server, URL, { registries: [] }))[0] ?? '', /^ok: .* wants a login$/)
  })

  it('has a clock', async () => {
    const findings = await examine(answering(200), URL, {}, () => Date.now() + 3_600_000 * 2 + 5000)
    assert.match(findings[1] ?? '', /^warning: the clocks of this machine and of the registry differ by 2 h/)
  })

  it('is not there', async () => {
    const findings = await checkRegistry({ ...PLAIN, url: 'http://127.0.0.1:9' }, Date.now)
    assert.match(inShort(findings)[0] ?? '', /^problem: no registry answers at http:\/\/127\.0\.0\.1:9 \(/)
  })
})

describe('a registry by TLS', () => {
  let authority: KeyedCertificate
  before(async () => {
    authority = await createAuthority('A', 'ec', { days: 100, nowMs: Date.now() })
  })

  const serving = async (name: string, days = 90): Promise<Server> => {
    const subject = { commonName: name, names: [{ type: 'dns' as const, value: name }] }
    const issued = await issueCertificate(authority, subject, 'ec', { days, nowMs: Date.now() })
    const listener: RequestListener = (_req, res) => res.end()
    return createTlsServer({ key: issued.key, cert: issued.certificate }, listener)
  }
  const trusting = () => ({ authority: { file: '/certs/ca.crt', pem: authority.certificate } })

  it('is well with a certificate that names it and an authority that is known', async () => {
    const findings = await examine(await serving('localhost'), 'https://localhost', trusting())
    assert.deepEqual(findings.slice(0, 2), [
      'ok: the registry answers at https://localhost:PORT',
      'ok: the certificate is signed by the authority in /certs/ca.crt, which clients have to trust',
    ])
    assert.match(findings[2] ?? '', /^ok: the certificate names localhost, until \d{4}-\d\d-\d\d$/)
  })

  it('names another host', async () => {
    const findings = await examine(await serving('other.example'), 'https://localhost', trusting())
    assert.equal(findings[1], 'problem: the certificate does not name localhost, but DNS:other.example')
  })

  it('has a certificate that ends soon, or is over for the clock of this machine', async () => {
    const soon = await examine(await serving('localhost', 3), 'https://localhost', trusting())
    assert.match(soon[1] ?? '', /^problem: the certificate expires on/)
    const late = () => Date.now() + 95 * 86_400_000
    const over = await examine(await serving('localhost'), 'https://localhost', trusting(), late)
    assert.match(over[2] ?? '', /^problem: the certificate expired on/)
  })

  it('has a certificate of nobody that is known', async () => {
    const findings = await examine(await serving('localhost'), 'https://localhost', { authority: undefined })
    assert.match(findings[1] ?? '', /^problem: the certificate is not trusted \(/)
  })
})
