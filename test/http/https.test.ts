/** The registry by HTTPS, from a configuration as people write it. */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Agent, request } from 'undici'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../src/certs/authority.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { makeFolder, startEntrepot } from '../support/entrepot.ts'
import { ALICE, writeAccounts } from './accounts.ts'
import { pushImage } from './login.ts'

const VALIDITY = { days: 30, nowMs: Date.now() }

describe('http.tls', () => {
  let folder: string
  let authority: KeyedCertificate
  let server: KeyedCertificate
  let tls: { certificate: string; key: string }

  before(async () => {
    folder = await makeFolder()
    authority = await createAuthority('CA', 'ec', VALIDITY)
    const subject = { commonName: 'registry', names: [parseSubjectName('127.0.0.1')] }
    server = await issueCertificate(authority, subject, 'ec', VALIDITY)
    tls = { certificate: join(folder, 'registry.crt'), key: join(folder, 'registry.key') }
    await writeFile(tls.certificate, server.certificate)
    await writeFile(tls.key, server.key)
    await writeFile(join(folder, 'ca.crt'), authority.certificate)
  })
  after(() => rm(folder, { recursive: true }))

  it('serves pushes and pulls by HTTPS, and tells the realm so', async () => {
    const htpasswd = { realm: 'r', path: await writeAccounts(folder) }
    const entrepot = await startEntrepot({
      ca: authority.certificate,
      config: { http: { tls }, auth: { htpasswd, token: { entrepot: true } } },
    })
    const { 'www-authenticate': challenge } = (await entrepot.get('/v2/')).headers
    assert.match(String(challenge), /realm="https:\/\/127\.0\.0\.1:\d+\/token"/)
    const { manifest } = await pushImage(entrepot, 'team/app', '1', ALICE)
    const pulled = await entrepot.get('/v2/team/app/manifests/1', { Authorization: ALICE })
    assert.deepEqual(pulled.body, manifest.bytes)
    const name = 'entrepot_tls_certificate_expiry_timestamp_seconds'
    const expiresS = await entrepot.metric(name, { certificate: tls.certificate })
    assert.ok(Math.abs(expiresS - (VALIDITY.nowMs / 1000 + VALIDITY.days * 86_400)) < 86_400)
    await entrepot.stop()
  })

  it('asks clients for a certificate where clientcas is set', async () => {
    const clientcas = [join(folder, 'ca.crt')]
    const entrepot = await startEntrepot({
      ca: authority.certificate,
      config: { http: { tls: { ...tls, clientcas } } },
    })
    await assert.rejects(entrepot.get('/v2/'))
    const pair = await issueCertificate(authority, { commonName: 'client', names: [] }, 'ec', VALIDITY)
    const ca = authority.certificate
    const agent = new Agent({ connect: { ca, cert: pair.certificate, key: pair.key } })
    const answer = await request(`${entrepot.url}/v2/`, { dispatcher: agent })
    assert.equal(answer.statusCode, 200)
    await answer.body.dump()
    await agent.close()
    await entrepot.stop()
  })

  it('does not start with a key that is not the certificate’s', async () => {
    const key = join(folder, 'other.key')
    await writeFile(key, (await createAuthority('x', 'ec', VALIDITY)).key)
    await assert.rejects(
      startEntrepot({ config: { http: { tls: { ...tls, key } } } }),
      /^ConfigError: http\.tls: .*other\.key is not the key of the certificate in .*registry\.crt$/,
    )
  })
})
