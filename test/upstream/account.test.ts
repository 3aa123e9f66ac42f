import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { ALICE, authorizationsOf, BASIC, failsWith, ref, TOKENS, withUpstream } from './client.ts'

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
