import assert from 'node:assert/strict'
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
  'a 403 without an OCI error is some box on the way, not an absence',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.fault('manifest', { status: 403, body: '<html>blocked by policy</html>' })
    const error = await failsWith(upstream.manifest('a', ref('1')), 'status')
    assert.equal(error.status, 403)
  }),
)
