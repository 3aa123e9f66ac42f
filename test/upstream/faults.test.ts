import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { failsWith, ref, withUpstream } from './client.ts'

const BLOB = seededBytes(300_000)

const passing = [
  { title: 'a connection that is cut before the answer', fault: { refuse: true } },
  { title: 'a 500', fault: { status: 500 } },
  { title: 'a 503', fault: { status: 503, body: '{"errors":[{"code":"UNAVAILABLE"}]}' } },
  { title: 'a body that is cut', fault: { dropAt: 10 } },
] as const

for (const { title, fault } of passing)
  test(
    `${title} is tried again, each time later, and then a manifest comes`,
    withUpstream({}, {}, async ({ hub, upstream, pauses }) => {
      const { manifest } = hub.addImage('a', '1')
      hub.fault('manifest', { ...fault, times: 2 })
      assert.equal((await upstream.manifest('a', ref('1'))).digest, manifest.digest)
      assert.deepEqual(pauses, [150, 300])
    }),
  )

test(
  'an upstream that fails on is given up after three tries, and asked once as long as it stays down',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.fault('manifest', { status: 502, times: 10 })
    const error = await failsWith(upstream.manifest('a', ref('1')), 'status')
    assert.equal(error.status, 502)
    assert.equal(hub.counts.manifest, 3)
    assert.equal(upstream.health().isReachable, false)
    assert.match(upstream.health().lastError ?? '', /^hub, manifest of a:1: answered 502/)
    await failsWith(upstream.manifest('a', ref('1')), 'status')
    assert.equal(hub.counts.manifest, 4)
  }),
)

test(
  'an upstream that is not there is unreachable, and healthy once it answers',
  withUpstream({}, {}, async ({ hub, upstream, metrics }) => {
    const { manifest } = hub.addImage('a', '1')
    await hub.stop()
    const error = await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
    assert.match(error.message, /^hub, manifest of a:1: 127\.0\.0\.1:\d+ could not be reached: .*refused/)
    assert.deepEqual([upstream.health().isReachable, upstream.health().lastError], [false, error.message])
    const up = () => metrics.registry.getSingleMetricAsString('entrepot_upstream_up')
    assert.match(await up(), / 0$/m)
    await hub.start()
    assert.equal((await upstream.manifest('a', ref('1'))).digest, manifest.digest)
    assert.equal(upstream.health().isReachable, true)
    assert.match(await up(), / 1$/m)
  }),
)

test(
  'a connection that the upstream closed meanwhile is no failure',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    await hub.stop()
    await hub.start()
    await upstream.manifest('a', ref('1'))
  }),
)

test(
  'an answer that does not come ends at the limit of a request, and the call at its deadline',
  withUpstream({}, { limits: { shortMs: 30 } }, async ({ hub, upstream, pauses }) => {
    hub.addImage('a', '1')
    hub.fault('manifest', { hang: true, times: 3 })
    const error = await failsWith(upstream.manifest('a', ref('1')), 'timeout')
    assert.equal(error.message, 'hub, manifest of a:1: no answer within 0.03 s')
    assert.equal(pauses.length, 2)
    hub.fault('manifestHead', { hang: true })
    const late = await failsWith(upstream.resolve('a', ref('1'), { deadlineMs: 20 }), 'timeout')
    assert.equal(late.message, 'hub, manifest of a:1: no answer within 0.02 s')
    assert.equal(upstream.health().isReachable, false)
  }),
)

test(
  'a manifest whose body hangs ends at the limit of a request',
  withUpstream({}, { limits: { shortMs: 30 } }, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('manifest', { hangAt: 10, times: 3 })
    await failsWith(upstream.manifest('a', ref('1')), 'timeout')
  }),
)

test(
  'the deadline of a call counts the wait for a place in the queue',
  withUpstream({}, { limits: { requests: 1 } }, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    const hang = hub.fault('manifest', { hang: true })
    const first = upstream.manifest('a', ref('1'))
    await hang.met
    await failsWith(upstream.manifest('a', ref('1'), { deadlineMs: 20 }), 'timeout')
    assert.equal(hub.counts.manifest, 1)
    hang.release()
    await first
  }),
)

test(
  'a caller that leaves ends its request with its own reason, which says nothing about the upstream',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    const { digest } = hub.addBlob('a', BLOB)
    const reason = new UpstreamError('unreachable', 'the fetch was ended')
    for (const [kind, ask] of [
      ['manifest', (signal: AbortSignal) => upstream.manifest('a', ref('1'), { signal })],
      ['blob', (signal: AbortSignal) => upstream.blob('a', digest, { signal })],
    ] as const) {
      const abort = new AbortController()
      const hang = hub.fault(kind, { hang: true })
      const asked = ask(abort.signal)
      await hang.met
      abort.abort(reason)
      await assert.rejects(asked, reason)
    }
    await assert.rejects(upstream.tags('a', { signal: AbortSignal.abort(reason) }), reason)
    assert.equal(upstream.health().isReachable, undefined)
    assert.equal(upstream.health().lastError, undefined)
  }),
)

test(
  'what came of a blob before it was cut is given out, then the failure',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    for (const dropAt of [0, 1, 1000, 65_536, 299_999]) {
      hub.fault('blob', { dropAt })
      const { body } = await upstream.blob('a', digest)
      const chunks: Buffer[] = []
      const reading = (async () => {
        for await (const chunk of body) chunks.push(chunk)
      })()
      const error = await failsWith(reading, 'unreachable')
      assert.match(
        error.message,
        /^hub, blob sha256:[0-9a-f]{64} of a: 127\.0\.0\.1:\d+ broke off: the connection was cut$/,
      )
      assert.deepEqual(Buffer.concat(chunks), BLOB.subarray(0, dropAt), `cut at ${dropAt}`)
    }
  }),
)

test(
  'a blob that nobody reads when it is cut ends no process, and fails when it is read',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { dropAt: 0 })
    const { body } = await upstream.blob('a', digest)
    await new Promise((resolve) => body.once('close', resolve))
    await failsWith(buffer(body), 'unreachable')
  }),
)

test(
  'a blob of fewer bytes than announced fails at its end',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { headers: { 'content-length': String(BLOB.length + 1) } })
    const { body, sizeBytes } = await upstream.blob('a', digest)
    assert.equal(sizeBytes, BLOB.length + 1)
    await failsWith(buffer(body), 'unreachable')
  }),
)

test(
  'the size of a blob without Content-Length is not known',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { omit: ['content-length'] })
    const { body, sizeBytes } = await upstream.blob('a', digest)
    assert.equal(sizeBytes, undefined)
    assert.deepEqual(await buffer(body), BLOB)
  }),
)

test(
  'a blob that stands still while it is read has stalled',
  withUpstream({}, { limits: { stallMs: 50 } }, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { hangAt: 1000 })
    const { body } = await upstream.blob('a', digest)
    const error = await failsWith(buffer(body), 'timeout')
    assert.match(error.message, /stopped sending/)
  }),
)

test(
  'the first byte of a blob is tried for again, at most five times',
  withUpstream({}, {}, async ({ hub, upstream, pauses }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { status: 500, times: 4 })
    const { body } = await upstream.blob('a', digest)
    assert.deepEqual(await buffer(body), BLOB)
    assert.deepEqual(pauses, [250, 500, 1000, 2000])
    hub.fault('blob', { refuse: true, times: 20 })
    hub.resetCounts()
    await failsWith(upstream.blob('a', digest), 'unreachable')
    assert.equal(hub.counts.blob, 5)
  }),
)

test(
  'no try for the first byte begins later than its limit after the place',
  withUpstream({}, { limits: { lastTryMs: 1000 } }, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { status: 500, times: 20 })
    await failsWith(upstream.blob('a', digest), 'status')
    assert.equal(hub.counts.blob, 3)
  }),
)

test(
  'a first byte that does not come is waited for no longer than its limit',
  withUpstream({}, { limits: { firstByteMs: 30 } }, async ({ hub, upstream, pauses }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { hang: true, times: 5 })
    await failsWith(upstream.blob('a', digest), 'timeout')
    assert.equal(pauses.length, 4)
  }),
)

test(
  'a place is given back when its blob was read, destroyed, or never came',
  withUpstream({}, { limits: { transfers: 1 } }, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    const whole = await upstream.blob('a', digest)
    const waiting = upstream.blob('a', digest)
    await failsWith(upstream.blob('a', digest, { deadlineMs: 10 }), 'timeout')
    assert.equal(hub.counts.blob, 1)
    await buffer(whole.body)
    const { body } = await waiting
    body.destroy()
    hub.fault('blob', { status: 404 })
    await failsWith(upstream.blob('a', digest), 'absent')
    await buffer((await upstream.blob('a', digest)).body)
  }),
)

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

test(
  'closing ends what is under way, and nothing is asked after it',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    const hang = hub.fault('blob', { hangAt: 100 })
    const { body } = await upstream.blob('a', digest)
    await hang.met
    const reading = buffer(body)
    await upstream.close()
    await failsWith(reading, 'unreachable')
    await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
    assert.equal(hub.counts.manifest, 0)
  }),
)
