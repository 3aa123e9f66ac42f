import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../src/certs/authority.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import { failsWith, ref, withUpstream } from './client.ts'

const VALIDITY = { days: 30, nowMs: Date.now() }

describe('an upstream that speaks TLS', () => {
  let authority: KeyedCertificate
  let tls: KeyedCertificate
  let foreign: KeyedCertificate

  before(async () => {
    authority = await createAuthority('CA', 'ec', VALIDITY)
    const issue = (name: string) =>
      issueCertificate(authority, { commonName: name, names: [parseSubjectName(name)] }, 'ec', VALIDITY)
    tls = await issue('127.0.0.1')
    foreign = await issue('other.example')
  })

  it('is trusted by the authority that is configured, on a second connection too', () =>
    withUpstream({ tls, tokens: {} }, { ca: authority.certificate }, async ({ hub, upstream }) => {
      const { manifest } = hub.addImage('a', '1')
      assert.equal((await upstream.manifest('a', ref('1'))).digest, manifest.digest)
      await hub.stop()
      await hub.start()
      assert.equal((await upstream.manifest('a', ref('1'))).digest, manifest.digest)
    })())

  it('is not trusted without, is told how to be, and is not tried again', () =>
    withUpstream({ tls }, {}, async ({ hub, upstream, pauses }) => {
      const error = await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
      assert.match(error.message, /certificate is not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\): .*`ca`/)
      assert.deepEqual([hub.requests.length, pauses.length], [0, 0])
    })())

  it('is not trusted with the certificate of another host', () =>
    withUpstream({ tls: foreign }, { ca: authority.certificate }, async ({ upstream }) => {
      const error = await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
      assert.match(error.message, /certificate is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/)
    })())

  it('may not redirect to plain http', async () => {
    const plain = await startScriptedUpstream()
    await withUpstream({ tls }, { ca: authority.certificate }, async ({ hub, upstream }) => {
      hub.fault('manifest', { status: 307, headers: { location: `${plain.url}/v2/a/manifests/1` } })
      const error = await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
      assert.match(error.message, /redirects from https to http: not followed/)
    })()
    assert.equal(plain.requests.length, 0)
    await plain.close()
  })

  it('gives no password to a realm in plain http, but takes its anonymous tokens', async () => {
    const plain = await startScriptedUpstream({ tokens: {} })
    const realm = `${plain.url}/token`
    const account = { username: 'alice', password: 'secret' }
    await withUpstream(
      { tls, tokens: { realm } },
      { ca: authority.certificate, ...account },
      async ({ hub, upstream }) => {
        hub.addImage('a', '1')
        await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
        assert.equal(plain.requests.length, 0)
      },
    )()
    await withUpstream(
      { tls, tokens: { realm } },
      { ca: authority.certificate },
      async ({ hub, upstream }) => {
        hub.addImage('a', '1')
        // The token is none of this upstream's, but it was asked for and tried.
        await failsWith(upstream.manifest('a', ref('1')), 'status')
        assert.equal(plain.counts.token, 1)
      },
    )()
    await plain.close()
  })
})
