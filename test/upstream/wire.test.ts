import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failsWith, ref, withUpstream } from './client.ts'

test(
  'a 429 is told with its Retry-After, and nothing of its kind is asked until then',
  withUpstream({}, {}, async ({ hub, upstream, clock }) => {
    const { manifest } = hub.addImage('a', '1')
    const body =
      '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit. https://x.example/?a=b"}]}'
    hub.fault('manifest', { status: 429, body, headers: { 'retry-after': '120' } })
    const error = await failsWith(upstream.manifest('a', ref('1')), 'limited')
    assert.equal(error.retryAfterMs, 120_000)
    assert.match(error.message, /TOOMANYREQUESTS You have reached your pull rate limit/)
    assert.doesNotMatch(error.message, /a=b/)
    assert.equal((await failsWith(upstream.manifest('a', ref('1')), 'limited')).retryAfterMs, 120_000)
    assert.equal(hub.counts.manifest, 1)
    assert.equal((await upstream.resolve('a', ref('1'))).digest, manifest.digest)
    assert.equal(upstream.health().limitedUntilMs, clock.nowMs + 120_000)
    assert.equal(upstream.health().isReachable, true)
    clock.nowMs += 120_000
    await upstream.manifest('a', ref('1'))
  }),
)

test(
  'a 429 in bare text holds back requests of all kinds, for a minute where it does not say',
  withUpstream({}, {}, async ({ hub, upstream, clock }) => {
    hub.addImage('a', '1')
    hub.fault('manifest', { status: 429, body: 'Too Many Requests' })
    await failsWith(upstream.manifest('a', ref('1')), 'limited')
    const error = await failsWith(upstream.resolve('a', ref('1')), 'limited')
    assert.equal(error.retryAfterMs, 60_000)
    assert.equal(hub.requests.length, 1)
    clock.nowMs += 60_000
    await upstream.resolve('a', ref('1'))
  }),
)

test(
  'a 429 of the token service holds back tokens, not what has one',
  withUpstream({ tokens: {} }, {}, async ({ hub, upstream }) => {
    for (const name of ['a', 'b']) hub.addImage(name, '1')
    await upstream.manifest('a', ref('1'))
    hub.fault('token', { status: 429, headers: { 'retry-after': '9' }, body: '{"errors":[{}]}' })
    for (let i = 0; i < 2; i += 1) await failsWith(upstream.manifest('b', ref('1')), 'limited')
    assert.equal(hub.counts.token, 2)
    await upstream.manifest('a', ref('1'))
  }),
)

test(
  'the rate limit that an answer tells is kept and exported',
  withUpstream({}, {}, async ({ hub, upstream, metrics }) => {
    hub.addImage('a', '1')
    const known = () => metrics.registry.getSingleMetricAsString('entrepot_upstream_ratelimit_known')
    assert.match(await known(), / 0$/m)
    for (const [source, remaining] of [
      ['192.0.2.1', 76],
      ['account', 42],
    ] as const) {
      const headers = {
        'ratelimit-limit': '100;w=21600',
        'ratelimit-remaining': `${remaining};w=21600`,
        'docker-ratelimit-source': source,
      }
      hub.fault('manifestHead', { headers })
      await upstream.resolve('a', ref('1'))
    }
    await upstream.resolve('a', ref('1'))
    assert.deepEqual(upstream.health().rateLimit, {
      limit: 100,
      remaining: 42,
      windowS: 21_600,
      source: 'account',
    })
    const text = await metrics.registry.getSingleMetricAsString('entrepot_upstream_ratelimit_remaining')
    assert.deepEqual(text.split('\n').slice(2), [
      'entrepot_upstream_ratelimit_remaining{upstream="hub",source="account"} 42',
    ])
    assert.match(await known(), / 1$/m)
  }),
)

test(
  'every request is counted by its kind and status',
  withUpstream({ tokens: {} }, {}, async ({ hub, upstream, metrics }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    const text = await metrics.registry.getSingleMetricAsString('entrepot_upstream_requests_total')
    for (const labels of [
      'kind="manifest",status="401"',
      'kind="token",status="200"',
      'kind="manifest",status="200"',
    ])
      assert.match(text, new RegExp(`upstream="hub",${labels}\\} 1$`, 'm'))
  }),
)
