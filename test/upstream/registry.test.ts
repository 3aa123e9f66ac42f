import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { referrersTag } from '../../src/protocol/referrers.ts'
import { seededBytes } from '../support/bytes.ts'
import { makeImage, makeIndex } from '../support/images.ts'
import { failsWith, ref, withUpstream } from './client.ts'

const BLOB = seededBytes(100_000)

test(
  'a manifest comes byte for byte, by tag and by digest, with one GET each',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    for (const reference of ['latest', manifest.digest]) {
      const fetched = await upstream.manifest('library/alpine', ref(reference))
      assert.deepEqual(fetched, manifest)
    }
    assert.equal(hub.requests.length, 2)
    assert.equal(hub.counts.manifest, 2)
  }),
)

test(
  'a tag is resolved by one HEAD',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { manifest } = hub.addImage('a', '1')
    const { digest, mediaType, bytes } = manifest
    assert.deepEqual(await upstream.resolve('a', ref('1')), { digest, mediaType, sizeBytes: bytes.length })
    assert.equal(hub.counts.manifestHead, 1)
    assert.equal(hub.requests.length, 1)
  }),
)

test(
  'every manifest request names all types of manifest, schema 1 last, and asks for identity',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    const { accept, 'accept-encoding': encoding, 'user-agent': agent } = hub.requests[0]!.headers
    assert.equal(encoding, 'identity')
    assert.equal(agent, 'entrepot')
    const types = accept!.split(', ')
    assert.equal(new Set(types).size, 6)
    assert.match(types[4]!, /v1\+prettyjws$/)
    assert.match(types[5]!, /manifest\.v1\+json$/)
  }),
)

const uselessHeads = [
  { title: 'a HEAD that is 405', fault: { status: 405 } },
  { title: 'a HEAD without Docker-Content-Digest', fault: { omit: ['docker-content-digest'] } },
  { title: 'a HEAD without Content-Type', fault: { omit: ['content-type'] } },
] as const

for (const { title, fault } of uselessHeads)
  test(
    `${title} is followed by a GET, and no other is sent for an hour`,
    withUpstream({}, {}, async ({ hub, upstream, clock }) => {
      const { manifest } = hub.addImage('a', '1')
      hub.fault('manifestHead', { ...fault, times: Number.POSITIVE_INFINITY })
      for (let i = 0; i < 2; i += 1)
        assert.equal((await upstream.resolve('a', ref('1'))).digest, manifest.digest)
      assert.equal(hub.counts.manifestHead, 1)
      assert.equal(hub.counts.manifest, 2)
      clock.nowMs += 60 * 60_000
      await upstream.resolve('a', ref('1'))
      assert.equal(hub.counts.manifestHead, 2)
    }),
  )

test(
  'a manifest whose bytes are not those of its digest is corrupt, by tag and by digest',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { manifest } = hub.addImage('a', '1')
    hub.fault('manifest', { corruptAt: 20, times: 2 })
    for (const reference of ['1', manifest.digest])
      await failsWith(upstream.manifest('a', ref(reference)), 'corrupt')
  }),
)

test(
  'the type of a manifest without a telling Content-Type is read from its bytes',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const index = makeIndex([{ image: makeImage(), os: 'linux', architecture: 'amd64' }])
    hub.addManifest('a', '1', index)
    hub.fault('manifest', { headers: { 'content-type': 'application/json; charset=utf-8' } })
    assert.equal((await upstream.manifest('a', ref('1'))).mediaType, index.mediaType)
  }),
)

test(
  'a manifest of more than 4 MiB is not taken',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addManifest('a', '1', {
      digest: digestOf('x'),
      mediaType: 'application/json',
      bytes: Buffer.alloc(4 * 1024 * 1024 + 1),
    })
    await failsWith(upstream.manifest('a', ref('1')), 'status')
  }),
)

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
  'tags are read page by page, each once',
  withUpstream({ pageSize: 2 }, {}, async ({ hub, upstream }) => {
    for (const tag of ['1', '2', '3', '4', '5']) hub.addImage('a', tag)
    assert.deepEqual(await upstream.tags('a'), ['1', '2', '3', '4', '5'])
    assert.equal(hub.counts.tags, 3)
    assert.equal(hub.requests[0]!.url, '/v2/a/tags/list?n=1000')
  }),
)

test(
  'a list of tags whose next page is always the same one ends',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('tags', { headers: { link: '</v2/a/tags/list?n=1000>; rel="next"' }, times: 10 })
    assert.deepEqual(await upstream.tags('a'), ['1'])
    assert.equal(hub.counts.tags, 2)
  }),
)

test(
  'a page of tags on another host is not asked for',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('tags', { headers: { link: `<${hub.cdnUrl}/v2/a/tags/list>; rel="next"` } })
    await failsWith(upstream.tags('a'), 'forbidden')
  }),
)

test(
  'an upstream that refuses the size of the page is asked without',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('tags', { status: 400, body: '{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}' })
    assert.deepEqual(await upstream.tags('a'), ['1'])
    assert.equal(hub.requests.at(-1)!.url, '/v2/a/tags/list')
  }),
)

test(
  'referrers come from the API, page by page',
  withUpstream({ pageSize: 1 }, {}, async ({ hub, upstream }) => {
    const { manifest } = hub.addImage('a', '1')
    for (const seed of ['x', 'y', 'z']) hub.addImage('a', undefined, { seed, subject: manifest })
    const found = await upstream.referrers('a', manifest.digest)
    assert.equal(found.length, 3)
    assert.equal(hub.counts.referrers, 3)
  }),
)

test(
  'referrers come from the tag schema where there is no API, and are none where there is neither',
  withUpstream({ hasReferrers: false }, {}, async ({ hub, upstream }) => {
    const image = hub.addImage('a', '1')
    assert.deepEqual(await upstream.referrers('a', image.manifest.digest), [])
    const signature = makeImage({ seed: 'sig', subject: image.manifest })
    const index = makeIndex([{ image: signature, os: 'none', architecture: 'none' }])
    hub.addManifest('a', referrersTag(image.manifest.digest), index)
    const [entry] = await upstream.referrers('a', image.manifest.digest)
    assert.equal(entry?.digest, signature.manifest.digest)
    assert.deepEqual(await upstream.referrers('none', image.manifest.digest), [])
  }),
)

test(
  'what is not there is absent, and says what was asked of whom',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    const error = await failsWith(upstream.manifest('a', ref('2')), 'absent')
    assert.equal(error.status, 404)
    assert.match(error.message, /^hub, manifest of a:2: not there/)
    await failsWith(upstream.resolve('none', ref('1')), 'absent')
    await failsWith(upstream.blob('a', digestOf('none')), 'absent')
    await failsWith(upstream.tags('none'), 'absent')
    assert.equal(upstream.health().isReachable, true)
    assert.equal(upstream.health().lastError, undefined)
  }),
)
