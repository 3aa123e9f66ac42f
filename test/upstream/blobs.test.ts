import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { failsWith, withUpstream } from './client.ts'

const BLOB = seededBytes(100_000)

test(
  'a blob comes whole, and from a byte on',
  withUpstream({}, {}, async ({ hub, upstream, metrics }) => {
    const { digest } = hub.addBlob('a', BLOB)
    const whole = await upstream.blob('a', digest)
    assert.deepEqual([whole.start, whole.sizeBytes], [0, BLOB.length])
    assert.deepEqual(await buffer(whole.body), BLOB)
    const rest = await upstream.blob('a', digest, { from: 60_000 })
    assert.deepEqual([rest.start, rest.sizeBytes], [60_000, BLOB.length])
    assert.deepEqual(await buffer(rest.body), BLOB.subarray(60_000))
    const part = await upstream.blob('a', digest, { from: 10, to: 19 })
    assert.deepEqual(await buffer(part.body), BLOB.subarray(10, 20))
    assert.deepEqual(
      hub.requests.map(({ headers }) => headers.range),
      [undefined, 'bytes=60000-', 'bytes=10-19'],
    )
    assert.match(await metrics.registry.getSingleMetricAsString('entrepot_upstream_bytes_total'), / 140010$/m)
  }),
)

test(
  'a 200 to a range begins at byte 0',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { ignoreRange: true })
    const { start, body } = await upstream.blob('a', digest, { from: 60_000 })
    assert.equal(start, 0)
    assert.deepEqual(await buffer(body), BLOB)
  }),
)

const lies = [
  { title: 'a 206 that begins elsewhere', fault: { shiftRangeBy: 1 } },
  { title: 'a 206 without Content-Range', fault: { omit: ['content-range'] } },
  { title: 'a 206 whose length contradicts its range', fault: { headers: { 'content-length': '39999' } } },
] as const

for (const { title, fault } of lies)
  test(
    `${title} is corrupt`,
    withUpstream({}, {}, async ({ hub, upstream }) => {
      const { digest } = hub.addBlob('a', BLOB)
      hub.fault('blob', fault)
      await failsWith(upstream.blob('a', digest, { from: 60_000 }), 'corrupt')
    }),
  )

test(
  'a HEAD of a blob tells its size',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    assert.deepEqual(await upstream.stat('a', digest), { sizeBytes: BLOB.length })
    assert.equal(hub.requests.length, 1)
  }),
)

const noes = [
  { title: '404', fault: { status: 404 } },
  {
    title: '401, as public.ecr.aws does',
    fault: { status: 401, headers: { 'www-authenticate': 'Basic x' } },
  },
  { title: '403', fault: { status: 403 } },
  { title: '405', fault: { status: 405 } },
] as const

for (const { title, fault } of noes)
  test(
    `a HEAD of a blob that is ${title} is doubted: byte 0 tells, for the next hour at once`,
    withUpstream({}, {}, async ({ hub, upstream, clock }) => {
      const { digest } = hub.addBlob('a', BLOB)
      hub.fault('blobHead', { ...fault, times: Number.POSITIVE_INFINITY })
      assert.deepEqual(await upstream.stat('a', digest), { sizeBytes: BLOB.length })
      hub.fault('blob', { ignoreRange: true })
      assert.deepEqual(await upstream.stat('a', digest), { sizeBytes: BLOB.length })
      assert.equal(hub.requests.at(-1)!.headers.range, 'bytes=0-0')
      assert.deepEqual([hub.counts.blobHead, hub.counts.blob], [1, 2])
      clock.nowMs += 60 * 60_000
      await upstream.stat('a', digest)
      assert.equal(hub.counts.blobHead, 2)
    }),
  )

test(
  'a HEAD of a blob that is 401 with every token, as at public.ecr.aws, is doubted too',
  withUpstream({ tokens: { challengeScope: 'aws', neededScope: 'aws' } }, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    const challenge = `Bearer realm="${hub.url}/token",service="scripted",scope="aws"`
    hub.fault('blobHead', {
      status: 401,
      headers: { 'www-authenticate': challenge },
      times: Number.POSITIVE_INFINITY,
    })
    assert.deepEqual(await upstream.stat('a', digest), { sizeBytes: BLOB.length })
    assert.deepEqual(await buffer((await upstream.blob('a', digest)).body), BLOB)
  }),
)

test(
  'a blob that is not there is told by undefined, an empty one by its size',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const empty = hub.addBlob('a', Buffer.alloc(0))
    assert.equal(await upstream.stat('a', digestOf('none')), undefined)
    assert.equal(hub.counts.blob, 1)
    hub.fault('blobHead', { status: 403 })
    assert.deepEqual(await upstream.stat('a', empty.digest), { sizeBytes: 0 })
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
