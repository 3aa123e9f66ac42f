import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { makeImage, makeIndex } from '../support/images.ts'
import { ALICE, authorizationsOf, BASIC, failsWith, ref, TOKENS, withUpstream } from './client.ts'

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
  withUpstream({}, {}, async ({ hub, upstream, metrics }) => {
    const { manifest } = hub.addImage('a', '1')
    hub.fault('manifest', { corruptAt: 20, times: 2 })
    for (const reference of ['1', manifest.digest])
      await failsWith(upstream.manifest('a', ref(reference)), 'corrupt')
    assert.match(await metrics.registry.getSingleMetricAsString('entrepot_upstream_corrupt_total'), / 2$/m)
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
  'closing ends what is under way, and nothing is asked after it',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', seededBytes(1000))
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
