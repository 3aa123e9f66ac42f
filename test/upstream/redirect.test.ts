import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import type { Lookup } from '../../src/upstream/connector.ts'
import { seededBytes } from '../support/bytes.ts'
import { failsWith, ref, withUpstream } from './client.ts'

const BLOB = seededBytes(50_000)

for (const status of [301, 302, 303, 307, 308])
  test(
    `a blob that is redirected by ${status} comes from there, without the token`,
    withUpstream({ tokens: {}, redirect: { status } }, {}, async ({ hub, upstream }) => {
      const { digest } = hub.addBlob('a', BLOB)
      const { body, sizeBytes } = await upstream.blob('a', digest)
      assert.equal(sizeBytes, BLOB.length)
      assert.deepEqual(await buffer(body), BLOB)
      const rest = await upstream.blob('a', digest, { from: 100 })
      assert.deepEqual([rest.start, await buffer(rest.body)], [100, BLOB.subarray(100)])
      assert.equal(hub.counts.cdn, 2)
      assert.ok(
        hub.requests.every(({ kind, headers }) => kind !== 'cdn' || headers.authorization === undefined),
      )
    }),
  )

test(
  'a relative redirect on the same host keeps the token',
  withUpstream({ tokens: {}, redirect: { origin: 'same', status: 302 } }, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    assert.deepEqual(await buffer((await upstream.blob('a', digest)).body), BLOB)
    assert.match(hub.requests.at(-1)!.headers.authorization ?? '', /^Bearer /)
  }),
)

test(
  'a token that was dropped on the way out does not come back on the way home',
  withUpstream({ tokens: {}, redirect: {} }, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('cdn', { status: 307, headers: { location: `${hub.url}/elsewhere` } })
    await failsWith(upstream.blob('a', digest), 'absent')
    assert.equal(hub.requests.at(-1)!.url, '/elsewhere')
    assert.equal(hub.requests.at(-1)!.headers.authorization, undefined)
  }),
)

test(
  'a HEAD of a blob follows its redirect, and where the target takes no HEAD byte 0 tells',
  withUpstream({ redirect: { refusesHead: true } }, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    assert.deepEqual(await upstream.stat('a', digest), { sizeBytes: BLOB.length })
    assert.deepEqual([hub.counts.cdnHead, hub.counts.cdn], [1, 1])
  }),
)

test(
  'a signed address that has expired is got anew from the registry',
  withUpstream({ redirect: {} }, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('cdn', { status: 403, body: '<Error>Request has expired</Error>' })
    assert.deepEqual(await buffer((await upstream.blob('a', digest)).body), BLOB)
    assert.deepEqual([hub.counts.blob, hub.counts.cdn], [2, 2])
  }),
)

test(
  'a CDN that refuses for good is a failure, not an absence',
  withUpstream({ redirect: {} }, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('cdn', { status: 403, body: '<Error/>', times: 5 })
    const error = await failsWith(upstream.blob('a', digest), 'status')
    assert.match(error.message, /answered 403 at 127\.0\.0\.1:\d+$/)
    assert.doesNotMatch(error.message, /signature/)
  }),
)

test(
  'a challenge of the place that a redirect leads to teaches nothing',
  withUpstream({ redirect: {} }, { username: 'alice', password: 'secret' }, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    const challenge = { 'www-authenticate': `Bearer realm="${hub.url}/token"` }
    hub.fault('cdn', { status: 401, headers: challenge, body: '<Error/>', times: 5 })
    await failsWith(upstream.blob('a', digest), 'status')
    assert.equal(hub.counts.token, 0)
    assert.ok(hub.requests.every(({ headers }) => headers.authorization === undefined))
  }),
)

test(
  'a 401 of the place that a redirect leads to is no refusal of the password',
  withUpstream(
    { basic: { users: { alice: 'secret' } }, redirect: {} },
    { username: 'alice', password: 'secret' },
    async ({ hub, upstream }) => {
      const { digest } = hub.addBlob('a', BLOB)
      hub.fault('cdn', { status: 401, body: '<Error/>' })
      assert.deepEqual(await buffer((await upstream.blob('a', digest)).body), BLOB)
      assert.equal(upstream.health().refusedCredentials, undefined)
      assert.equal(hub.requests.filter(({ headers }) => headers.authorization !== undefined).length, 2)
    },
  ),
)

test(
  'ten redirects are followed, not eleven',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('manifest', { status: 307, headers: { location: '/v2/a/manifests/1' }, times: 10 })
    await upstream.manifest('a', ref('1'))
    hub.resetCounts()
    hub.fault('manifest', { status: 307, headers: { location: '/v2/a/manifests/1' }, times: 11 })
    await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
    assert.equal(hub.counts.manifest, 11)
  }),
)

const refused = [
  ['another protocol', 'ftp://127.0.0.1/x', 'forbidden'],
  ['a URL with credentials', 'http://user:pass@127.0.0.1/x', 'forbidden'],
  ['what is no URL', 'http://[/', 'status'],
] as const

for (const [title, location, kind] of refused)
  test(
    `a redirect to ${title} is not followed`,
    withUpstream({}, {}, async ({ hub, upstream }) => {
      hub.fault('manifest', { status: 307, headers: { location } })
      const error = await failsWith(upstream.manifest('a', ref('1')), kind)
      assert.doesNotMatch(error.message, /pass/)
    }),
  )

test(
  'a redirect without a Location is a failure of the upstream',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    hub.fault('manifest', { status: 307 })
    await failsWith(upstream.manifest('a', ref('1')), 'status')
  }),
)

/** Resolves every name to this machine. */
const lookupHere: Lookup = (_hostname, _options, callback) =>
  callback(null, [{ address: '127.0.0.1', family: 4 }])

test(
  'a redirect to a name is followed to the address that the name has',
  withUpstream({ redirect: {} }, { lookup: lookupHere }, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', {
      status: 307,
      headers: { location: `http://cdn.test:${new URL(hub.cdnUrl).port}/cdn/a/${digest}?signature=1` },
    })
    assert.deepEqual(await buffer((await upstream.blob('a', digest)).body), BLOB)
  }),
)
