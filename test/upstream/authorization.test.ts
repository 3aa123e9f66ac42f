import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { seededBytes } from '../support/bytes.ts'
import { ALICE, authorizationsOf, failsWith, kindsOf, ref, TOKENS, withUpstream } from './client.ts'

test(
  'the first request learns the challenge, and no other is refused',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.addImage('b', '1')
    await upstream.manifest('a', ref('1'))
    assert.equal(kindsOf(hub), 'manifest token manifest')
    await upstream.manifest('a', ref('1'))
    await upstream.manifest('b', ref('1'))
    assert.equal(kindsOf(hub), 'manifest token manifest manifest token manifest')
  }),
)

test(
  'the scope is that of the repository, and no password goes without an account',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('library/alpine', '1')
    await upstream.manifest('library/alpine', ref('1'))
    const { searchParams } = new URL(hub.requests[1]!.url, hub.url)
    assert.deepEqual(Object.fromEntries(searchParams), {
      service: 'scripted',
      scope: 'repository:library/alpine:pull',
    })
    assert.equal(authorizationsOf(hub), '- - Bearer')
  }),
)

test(
  'an account opens what anonymous does not see, and its password goes to the realm alone',
  withUpstream(TOKENS, ALICE, async ({ hub, upstream }) => {
    hub.addImage('team/app', '1')
    await upstream.manifest('team/app', ref('1'))
    assert.equal(authorizationsOf(hub), '- Basic Bearer')
    assert.equal(new URL(hub.requests[1]!.url, hub.url).searchParams.get('account'), 'alice')
    assert.equal(upstream.hasCredentials, true)
  }),
)

test(
  'a hundred requests at once fetch one token',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.resolve('a', ref('1'))
    hub.expireTokens()
    const before = hub.counts.token
    await Promise.all(Array.from({ length: 100 }, () => upstream.resolve('a', ref('1'))))
    assert.equal(hub.counts.token - before, 1)
  }),
)

test(
  'a token that has expired there is renewed once, and the request sent once more',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    const { digest } = hub.addBlob('a', seededBytes(5000))
    await upstream.manifest('a', ref('1'))
    hub.resetCounts()
    hub.expireTokens()
    const { body } = await upstream.blob('a', digest)
    assert.deepEqual(await buffer(body), seededBytes(5000))
    assert.equal(kindsOf(hub), 'blob token blob')
  }),
)

test(
  'an expired token that is answered 400 DENIED is renewed too, for GET and for HEAD',
  withUpstream({ tokens: { invalidStatus: 400 } }, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    for (const ask of [() => upstream.manifest('a', ref('1')), () => upstream.resolve('a', ref('1'))]) {
      hub.expireTokens()
      await ask()
    }
    assert.equal(hub.counts.token, 3)
  }),
)

test(
  'a scope that the challenge wants beyond the usual one is asked for once, and remembered',
  withUpstream(
    { tokens: { challengeScope: 'aws', neededScope: 'aws' } },
    {},
    async ({ hub, upstream, clock }) => {
      hub.addImage('a', '1')
      await upstream.manifest('a', ref('1'))
      assert.equal(kindsOf(hub), 'manifest token manifest token manifest')
      hub.resetCounts()
      clock.nowMs += 1_000_000
      await upstream.manifest('a', ref('1'))
      assert.equal(kindsOf(hub), 'token manifest')
    },
  ),
)

test(
  'a dummy scope in the challenge is not believed before the own one has been tried',
  withUpstream(
    { tokens: { challengeScope: 'repository:user/image:pull' } },
    {},
    async ({ hub, upstream }) => {
      hub.addImage('a', '1')
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, 1)
    },
  ),
)

test(
  'a repository that no token opens is absent, after one fresh token',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.addImage('team/app', '1')
    for (const name of ['none', 'team/app']) {
      hub.resetCounts()
      await failsWith(upstream.manifest(name, ref('1')), 'absent')
      assert.ok(hub.counts.token <= 1 && hub.counts.manifest <= 2, kindsOf(hub))
    }
  }),
)

test(
  'a fresh token that the registry does not take is a failure, not an absence',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.resolve('a', ref('1'))
    const challenge = `Bearer realm="${hub.url}/token",service="scripted",error="invalid_token"`
    const body = '{"errors":[{"code":"UNAUTHORIZED"}]}'
    hub.fault('manifest', { status: 401, headers: { 'www-authenticate': challenge }, body, times: 3 })
    await failsWith(upstream.manifest('a', ref('1')), 'status')
  }),
)

test(
  'credentials are not sent to a realm on a foreign host, and the request is forbidden',
  withUpstream(
    { tokens: { realm: 'https://collector.example/token' } },
    ALICE,
    async ({ hub, upstream, metrics }) => {
      hub.addImage('a', '1')
      const error = await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
      assert.match(error.message, /collector\.example/)
      assert.match(
        await metrics.registry.getSingleMetricAsString('entrepot_upstream_refused_targets_total'),
        /reason="realm"\} 1$/m,
      )
    },
  ),
)

test(
  'a realm that makes no sense is forbidden',
  withUpstream({ tokens: { realm: '/token' } }, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
  }),
)
