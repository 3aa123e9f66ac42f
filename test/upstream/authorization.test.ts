import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { failsWith, ref, withUpstream } from './client.ts'

const ALICE = { username: 'alice', password: 'secret' }
const TOKENS = { tokens: { users: { alice: 'secret' }, private: ['team/app'] } }
const BASIC = { basic: { users: { alice: 'secret' } } }

/** The kinds of the requests that were seen, in order. */
const kindsOf = (hub: { requests: readonly { kind: string }[] }) =>
  hub.requests.map(({ kind }) => kind).join(' ')

const authorizationsOf = (hub: {
  requests: readonly { headers: { authorization?: string | undefined } }[]
}) => hub.requests.map(({ headers }) => headers.authorization?.split(' ')[0] ?? '-').join(' ')

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
  'a token is kept for most of the life that its service gave it, and no longer',
  withUpstream({ tokens: { expiresInS: 300 } }, {}, async ({ hub, upstream, clock }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    for (const [afterS, tokens] of [
      [284, 1],
      [2, 2],
    ] as const) {
      clock.nowMs += afterS * 1000
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, tokens)
    }
  }),
)

const answers = [
  { title: 'no expires_in', tokens: { expiresInS: null } },
  { title: 'a life of 0', tokens: { expiresInS: 0 } },
] as const

for (const { title, tokens } of answers)
  test(
    `a token with ${title} lives 60 seconds`,
    withUpstream({ tokens }, {}, async ({ hub, upstream, clock }) => {
      hub.addImage('a', '1')
      await upstream.manifest('a', ref('1'))
      clock.nowMs += 40_000
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, 1)
      clock.nowMs += 10_000
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, 2)
    }),
  )

test(
  'access_token is as good as token, and a challenge without service is answered without',
  withUpstream({ tokens: { field: 'access_token', service: null } }, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    assert.equal(hub.requests[1]!.url, '/token?scope=repository%3Aa%3Apull')
  }),
)

test(
  'a realm that takes no GET is asked by POST, and the next time at once',
  withUpstream({ tokens: { ...TOKENS.tokens, method: 'POST' } }, ALICE, async ({ hub, upstream }) => {
    for (const name of ['team/app', 'other']) hub.addImage(name, '1')
    await upstream.manifest('team/app', ref('1'))
    const post = hub.requests.find(({ method }) => method === 'POST')!
    assert.deepEqual(Object.fromEntries(new URLSearchParams(post.body)), {
      grant_type: 'password',
      service: 'scripted',
      client_id: 'entrepot',
      scope: 'repository:team/app:pull',
      username: 'alice',
      password: 'secret',
    })
    await upstream.manifest('other', ref('1'))
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
  'a token service that denies a scope means that it is absent',
  withUpstream(TOKENS, ALICE, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('token', { status: 403, body: '{"errors":[{"code":"DENIED"}]}' })
    await failsWith(upstream.manifest('a', ref('1')), 'absent')
    assert.equal(upstream.health().refusedCredentials, undefined)
  }),
)

test(
  'a refused password is not tried again for minutes: public repositories go on, private ones say why',
  withUpstream(TOKENS, { ...ALICE, password: 'wrong' }, async ({ hub, upstream, metrics, clock }) => {
    hub.addImage('a', '1')
    hub.addImage('team/app', '1')
    await upstream.manifest('a', ref('1'))
    assert.equal(authorizationsOf(hub), '- Basic - Bearer')
    const error = await failsWith(upstream.manifest('team/app', ref('1')), 'refused')
    assert.match(error.message, /refuses the password of alice/)
    assert.doesNotMatch(error.message, /wrong/)
    await failsWith(upstream.manifest('none', ref('1')), 'refused')
    await failsWith(upstream.manifest('a', ref('2')), 'absent')
    assert.equal(hub.requests.filter(({ headers }) => headers.authorization?.startsWith('Basic')).length, 1)
    assert.match(upstream.health().refusedCredentials ?? '', /alice/)
    const gauge = () => metrics.registry.getSingleMetricAsString('entrepot_upstream_credentials_refused')
    assert.match(await gauge(), / 1$/m)
    clock.nowMs += 5 * 60_000
    await upstream.manifest('a', ref('1'))
    assert.equal(hub.requests.filter(({ headers }) => headers.authorization?.startsWith('Basic')).length, 2)
  }),
)

test(
  'a wrong password is sent once, however many repositories are asked for at once',
  withUpstream(TOKENS, { ...ALICE, password: 'wrong' }, async ({ hub, upstream }) => {
    const names = Array.from({ length: 10 }, (_, i) => `repository-${i}`)
    for (const name of names) hub.addImage(name, '1')
    const wrong = () =>
      hub.requests.filter(({ headers }) => headers.authorization?.startsWith('Basic')).length
    await Promise.all(names.map((name) => upstream.manifest(name, ref('1'))))
    assert.equal(wrong(), 1)
  }),
)

test(
  'a right password is taken by many at once after it was taken once',
  withUpstream(TOKENS, ALICE, async ({ hub, upstream }) => {
    const names = Array.from({ length: 10 }, (_, i) => `repository-${i}`)
    for (const name of names) hub.addImage(name, '1')
    await Promise.all(names.map((name) => upstream.manifest(name, ref('1'))))
    assert.equal(hub.counts.token, 10)
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
  'a password that is right again is used again',
  withUpstream(TOKENS, ALICE, async ({ hub, upstream, clock }) => {
    hub.addImage('team/app', '1')
    hub.fault('token', { status: 401 })
    await failsWith(upstream.manifest('team/app', ref('1')), 'refused')
    clock.nowMs += 5 * 60_000
    await upstream.manifest('team/app', ref('1'))
    assert.equal(upstream.health().refusedCredentials, undefined)
  }),
)

test(
  'credentials that were refused are asked for anew: a helper may have newer ones',
  withUpstream(
    TOKENS,
    {
      credentials: { get: async (isStale) => ({ username: 'alice', password: isStale ? 'secret' : 'old' }) },
    },
    async ({ hub, upstream }) => {
      hub.addImage('team/app', '1')
      await upstream.manifest('team/app', ref('1'))
      assert.equal(upstream.health().refusedCredentials, undefined)
    },
  ),
)

test(
  'Basic is sent once it has been asked for, and from then on with every request',
  withUpstream(BASIC, ALICE, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    await upstream.manifest('a', ref('1'))
    assert.equal(authorizationsOf(hub), '- Basic Basic')
  }),
)

test(
  'Basic that is refused is refused, never absent, and not sent again',
  withUpstream(BASIC, { ...ALICE, password: 'wrong' }, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await failsWith(upstream.manifest('a', ref('1')), 'refused')
    await failsWith(upstream.resolve('a', ref('1')), 'refused')
    await failsWith(upstream.stat('a', digestOf('x')), 'refused')
    assert.equal(hub.requests.filter(({ headers }) => headers.authorization !== undefined).length, 1)
  }),
)

test(
  'credentials that have expired by 403 are refused, not "absent"',
  withUpstream(BASIC, ALICE, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    const message = 'Your authorization token has expired. Reauthenticate and try again.'
    hub.fault('manifest', { status: 403, body: JSON.stringify({ errors: [{ code: 'DENIED', message }] }) })
    await failsWith(upstream.manifest('a', ref('1')), 'refused')
  }),
)

test(
  'a 403 without an OCI error is some box on the way, not an absence',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.fault('manifest', { status: 403, body: '<html>blocked by policy</html>' })
    const error = await failsWith(upstream.manifest('a', ref('1')), 'status')
    assert.equal(error.status, 403)
  }),
)

test(
  'whether a repository is public is asked without the account',
  withUpstream(TOKENS, ALICE, async ({ hub, upstream }) => {
    for (const name of ['a', 'team/app']) hub.addImage(name, '1')
    await upstream.manifest('team/app', ref('1'))
    hub.resetCounts()
    assert.equal(await upstream.isPublic('a'), true)
    assert.equal(await upstream.isPublic('team/app'), false)
    assert.equal(await upstream.isPublic('none'), false)
    assert.doesNotMatch(authorizationsOf(hub), /Basic/)
    hub.fault('tags', { status: 500, times: 3 })
    await failsWith(upstream.isPublic('a'), 'status')
  }),
)

test(
  'whether a repository is public is no where the upstream wants Basic from everybody',
  withUpstream(BASIC, ALICE, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    assert.equal(await upstream.isPublic('a'), false)
    assert.equal(upstream.health().refusedCredentials, undefined)
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

test(
  'a token service that answers nonsense is a failure of the upstream',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    for (const body of ['not JSON', '{}', '{"token":"two\\nlines"}', '[]', '{"token":7}']) {
      hub.fault('token', { status: 200, body })
      await failsWith(upstream.manifest('a', ref('1')), 'status')
    }
  }),
)
