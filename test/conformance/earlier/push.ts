/** The workflow "Push" of the earlier suite. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../../src/protocol/digest.ts'
import { type Answer, type GetClient, locationOf, withQuery } from '../client.ts'
import { makeBlob } from '../content.ts'
import { assertDigest, expectUploaded } from '../expectations.ts'
import {
  ACCEPT_MANIFEST,
  deleteImage,
  makeImage,
  OCTETS,
  pushBlob,
  pushImage,
  putManifest,
} from './content.ts'

const BLOB_BYTES = 42
const FIRST_CHUNK_BYTES = 22

const assertRange = (answer: Answer, range: string): void =>
  assert.equal(answer.header('Range'), range, `${answer.request}: Range`)

const testUploads = (client: GetClient): void => {
  it('a streamed upload: POST, PATCH 202, PUT 201', async () => {
    const { repository1, seed } = client().target
    const blob = makeBlob(`${seed} streamed`, BLOB_BYTES)
    const started = await client().expect(202, 'POST', `/v2/${repository1}/blobs/uploads/`)
    const body = { headers: OCTETS, body: blob.bytes }
    const patched = await client().expect(202, 'PATCH', locationOf(started), body)
    const location = withQuery(locationOf(patched), 'digest', blob.digest)
    const uploaded = await client().expect(201, 'PUT', location, { headers: OCTETS })
    await expectUploaded(client(), uploaded, blob)
  })

  it('an upload by POST alone is 201, and its blob can be got', async () => {
    const { repository1, seed } = client().target
    const { digest, bytes } = makeBlob(`${seed} posted`, BLOB_BYTES)
    const path = `/v2/${repository1}/blobs/uploads/?digest=${digest}`
    const uploaded = await client().expect(201, 'POST', path, { headers: OCTETS, body: bytes })
    assert.ok(locationOf(uploaded))
    await client().expect(200, 'GET', `/v2/${repository1}/blobs/${digest}`)
  })
}

const testChunks = (client: GetClient): void => {
  const send = (method: string, location: URL, range: string, body: Buffer) =>
    client().send(method, location, { headers: { ...OCTETS, 'Content-Range': range }, body })

  it('a first chunk that begins in the middle is 416', async () => {
    const { repository1, seed } = client().target
    const { bytes } = makeBlob(`${seed} chunks`, BLOB_BYTES)
    const started = await client().expect(202, 'POST', `/v2/${repository1}/blobs/uploads/`)
    const refused = await send('PATCH', locationOf(started), '22-41', bytes.subarray(FIRST_CHUNK_BYTES))
    assert.equal(refused.status, 416)
  })

  it('a chunk that is sent again to the first Location is 416, after which the upload goes on from there', async () => {
    const { repository1, seed } = client().target
    const blob = makeBlob(`${seed} chunks`, BLOB_BYTES)
    const firstChunk = blob.bytes.subarray(0, FIRST_CHUNK_BYTES)
    const first = locationOf(await client().expect(202, 'POST', `/v2/${repository1}/blobs/uploads/`))
    const taken = await send('PATCH', first, '0-21', firstChunk)
    assert.equal(taken.status, 202)
    assertRange(taken, '0-21')
    assert.equal((await send('PATCH', first, '0-21', firstChunk)).status, 416)
    const status = await client().expect(204, 'GET', first)
    assertRange(status, '0-21')
    const rest = await send('PATCH', locationOf(status), '22-41', blob.bytes.subarray(FIRST_CHUNK_BYTES))
    assert.equal(rest.status, 202)
    const location = withQuery(locationOf(rest), 'digest', blob.digest)
    const uploaded = await client().expect(201, 'PUT', location, { headers: OCTETS })
    await expectUploaded(client(), uploaded, blob)
  })
}

const testMounts = (client: GetClient): void => {
  it('a mount of what nobody has, and from nowhere, begins an upload', async () => {
    const { repository2, seed } = client().target
    const path = `/v2/${repository2}/blobs/uploads/?mount=${digestOf(`${seed} nowhere`)}`
    assert.ok(locationOf(await client().expect(202, 'POST', path)))
  })

  for (const how of ['from its repository', 'from wherever it is'])
    it(`a mount of a blob ${how} is 201, and its Location is the path of the blob`, async () => {
      const { repository1, repository2, seed } = client().target
      const blob = makeBlob(`${seed} mounted ${how}`, BLOB_BYTES)
      await pushBlob(client(), repository1, blob)
      const from = how === 'from its repository' ? `&from=${repository1}` : ''
      const path = `/v2/${repository2}/blobs/uploads/?mount=${blob.digest}${from}`
      const mounted = await client().expect(201, 'POST', path)
      const { pathname, search } = locationOf(mounted)
      assert.equal(`${pathname}${search}`, `/v2/${repository2}/blobs/${blob.digest}`)
      await expectUploaded(client(), mounted, blob)
    })
}

const testManifests = (client: GetClient): void => {
  it('a manifest is 201 under each of several tags', async () => {
    const { repository1, seed } = client().target
    const image = makeImage(`${seed} push`)
    await pushImage(client(), repository1, image)
    for (const tag of ['test0', 'test1', 'test2', 'test3']) {
      const pushed = await putManifest(client(), repository1, tag, image.manifest)
      assert.equal(pushed.status, 201)
      assert.ok(locationOf(pushed))
    }
    await deleteImage(client(), repository1, image)
  })

  it('a manifest without a media type and without layers is 201, and there by digest', async () => {
    const { repository1, seed } = client().target
    const image = makeImage(`${seed} bare`, { layers: [] })
    const { mediaType: _, ...bare } = JSON.parse(image.manifest.bytes.toString()) as Record<string, unknown>
    const bytes = Buffer.from(JSON.stringify(bare))
    const manifest = { ...image.manifest, bytes, digest: digestOf(bytes) }
    await pushBlob(client(), repository1, image.config)
    const pushed = await putManifest(client(), repository1, manifest.digest, manifest)
    assert.equal(pushed.status, 201)
    assert.ok(locationOf(pushed))
    const path = `/v2/${repository1}/manifests/${manifest.digest}`
    assertDigest(await client().expect(200, 'GET', path, { headers: ACCEPT_MANIFEST }), manifest.digest)
    await deleteImage(client(), repository1, { ...image, manifest })
  })

  it('a manifest whose name is neither tag nor digest is 404, not 400', async () => {
    const { repository1 } = client().target
    for (const method of ['HEAD', 'GET'])
      await client().expect(404, method, `/v2/${repository1}/manifests/.INVALID_MANIFEST_NAME`)
  })
}

/** Pushes blobs and manifests. */
export const testPush = (client: GetClient): void => {
  describe('the workflow Push', () => {
    testUploads(client)
    testChunks(client)
    testMounts(client)
    testManifests(client)
  })
}
