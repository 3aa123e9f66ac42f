import assert from 'node:assert/strict'
import { test } from 'node:test'
import { referrersTag } from '../../src/protocol/referrers.ts'
import { makeImage, makeIndex } from '../support/images.ts'
import { failsWith, withUpstream } from './client.ts'

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
