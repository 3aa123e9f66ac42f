import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { MAX_MANIFEST_BYTES, MEDIA_TYPES } from '../../src/protocol/manifest.ts'
import { type Answer, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage, makeIndex, makeManifest, type TestManifest } from '../support/images.ts'
import { bytesOf, codeOf, messageOf, Pusher } from './pusher.ts'

const IMAGE = makeImage()
const OTHER = makeImage({ seed: 'other' })
const { manifest: MANIFEST } = IMAGE

describe('pushes of manifests', () => {
  let entrepot: TestEntrepot
  let pusher: Pusher
  let names = 0
  let name: string

  before(async () => {
    entrepot = await startEntrepot({
      config: {
        storage: { delete: { enabled: true } },
        local: { immutabletags: [{ repositories: ['fixed/**'], tags: ['v*'] }] },
      },
    })
    pusher = new Pusher(entrepot)
  })
  after(() => entrepot.stop())

  /** A repository that has the blobs of two images, and nothing else. */
  const prepare = async (prefix = 'team'): Promise<void> => {
    names += 1
    name = `${prefix}/app-${names}`
    for (const image of [IMAGE, OTHER])
      for (const blob of [image.config, ...image.layers]) await pusher.blob(name, await bytesOf(blob))
  }

  const path = (reference: string): string => `/v2/${name}/manifests/${reference}`
  const put = (reference: string, manifest: TestManifest, headers?: Record<string, string>) =>
    pusher.put(name, reference, manifest, headers)
  const head = (reference: string) => entrepot.head(path(reference))
  const remove = (reference: string) => entrepot.ask('DELETE', path(reference))

  const assertRefused = (answer: Answer, status: number, code: string): void => {
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], answer.body.toString())
  }

  it('store what came, byte for byte, by tag and by digest', async () => {
    await prepare()
    for (const reference of ['1.0', MANIFEST.digest]) {
      const answer = await put(reference, MANIFEST)
      assert.equal(answer.status, 201)
      assert.equal(answer.headers.location, path(MANIFEST.digest))
      assert.equal(answer.headers['docker-content-digest'], MANIFEST.digest)
      assert.equal(answer.headers['content-length'], '0')
    }
    for (const reference of ['1.0', MANIFEST.digest]) {
      const answer = await entrepot.get(path(reference))
      assert.deepEqual(answer.body, MANIFEST.bytes)
      assert.equal(answer.headers['content-type'], MANIFEST.mediaType)
    }
  })

  it('are found again by the digest that they were pushed by, through their tags as well', async () => {
    await prepare()
    const digest = digestOf(MANIFEST.bytes, 'sha512')
    const answer = await put(`${digest}?tag=a&tag=b`, MANIFEST)
    assert.deepEqual([answer.status, answer.headers['oci-tag']], [201, 'a, b'])
    assert.equal(answer.headers['docker-content-digest'], digest)
    for (const reference of ['a', 'b', digest])
      assert.equal((await head(reference)).headers['docker-content-digest'], digest)
    const link = join(
      entrepot.root,
      'docker/registry/v2/repositories',
      name,
      '_manifests/tags/a/current/link',
    )
    assert.equal(await readFile(link, 'utf8'), digest)
  })

  it('need no Content-Length and no Content-Type', async () => {
    await prepare()
    const request = httpRequest(`${entrepot.url}${path('chunked')}`, { method: 'PUT' })
    request.write(MANIFEST.bytes.subarray(0, 100))
    request.end(MANIFEST.bytes.subarray(100))
    const [answer] = await once(request, 'response')
    answer.resume()
    assert.equal(answer.statusCode, 201)
    assert.equal((await head('chunked')).headers['content-type'], MANIFEST.mediaType)
  })

  it('tell the subject, and appear among its referrers', async () => {
    await prepare()
    const signature = makeImage({ seed: 'signature', layers: [], subject: MANIFEST })
    await pusher.blob(name, await bytesOf(signature.config))
    const answer = await put(signature.manifest.digest, signature.manifest)
    assert.equal(answer.headers['oci-subject'], MANIFEST.digest)
    const referrers = async () =>
      (
        (await entrepot.get(`/v2/${name}/referrers/${MANIFEST.digest}`)).json() as {
          manifests: { digest: string }[]
        }
      ).manifests.map(({ digest }) => digest)
    assert.deepEqual(await referrers(), [signature.manifest.digest])
    await remove(signature.manifest.digest)
    assert.deepEqual(await referrers(), [])
  })

  describe('are refused', () => {
    before(() => prepare())
    const huge = Buffer.alloc(MAX_MANIFEST_BYTES + 1, ' ')
    const index = makeIndex([{ image: makeImage({ seed: 'nobody' }), os: 'linux', architecture: 'amd64' }])
    const schema1 = Buffer.from('{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}')
    const as = (bytes: Buffer, mediaType: string = MEDIA_TYPES.ociManifest) => ({ bytes, mediaType })
    const cases: readonly [
      what: string,
      reference: string,
      manifest: { bytes: Buffer; mediaType: string },
      status: number,
      code: string,
    ][] = [
      ['under a tag that is none', '-x', MANIFEST, 400, 'TAG_INVALID'],
      ['under a digest that is none', 'sha256:short', MANIFEST, 400, 'DIGEST_INVALID'],
      ['under the digest of something else', digestOf('x'), MANIFEST, 400, 'DIGEST_INVALID'],
      ['with a further tag that is none', `${MANIFEST.digest}?tag=-x`, MANIFEST, 400, 'TAG_INVALID'],
      ['when too large', 'huge', as(huge), 413, 'MANIFEST_INVALID'],
      ['when they are no JSON', 'bad', as(Buffer.from('{')), 400, 'MANIFEST_INVALID'],
      ['when nothing came', 'bad', as(Buffer.alloc(0)), 400, 'MANIFEST_INVALID'],
      ['when of schema 1', 'old', as(schema1, MEDIA_TYPES.schema1), 400, 'MANIFEST_INVALID'],
      ['as what they are not', 'bad', as(MANIFEST.bytes, MEDIA_TYPES.ociIndex), 400, 'MANIFEST_INVALID'],
      ['when an image is not there', 'index', index, 400, 'MANIFEST_BLOB_UNKNOWN'],
      [
        'when a blob is not there',
        'gone',
        makeImage({ seed: 'gone' }).manifest,
        400,
        'MANIFEST_BLOB_UNKNOWN',
      ],
    ]
    for (const [what, reference, manifest, status, code] of cases)
      it(`${what}: ${status} ${code}`, async () => {
        assertRefused(await pusher.put(name, reference, manifest), status, code)
      })

    it('with more tags than a hundred: 414', async () => {
      const tags = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join('&')
      assertRefused(await put(`${MANIFEST.digest}?${tags}`, MANIFEST), 414, 'TAG_INVALID')
    })

    it('too large without a length: 413, and nothing is stored', async () => {
      const request = httpRequest(`${entrepot.url}${path('huge')}`, { method: 'PUT' })
      request.on('error', () => {})
      request.write(huge.subarray(0, 1000))
      request.end(huge.subarray(1000))
      const [answer] = await once(request, 'response')
      answer.resume()
      assert.equal(answer.statusCode, 413)
      assert.equal((await head('huge')).status, 404)
    })

    it('and leave a new repository unknown', async () => {
      const answer = await pusher.put('team/unknown', 'latest', MANIFEST)
      assertRefused(answer, 400, 'MANIFEST_BLOB_UNKNOWN')
      assertRefused(await entrepot.get('/v2/team/unknown/tags/list'), 404, 'NAME_UNKNOWN')
    })
  })

  it('take what the repository has, and not what another one has', async () => {
    await prepare()
    await pusher.image('team/elsewhere', 'latest', makeImage({ seed: 'elsewhere' }))
    const answer = await put('latest', makeImage({ seed: 'elsewhere' }).manifest)
    assertRefused(answer, 400, 'MANIFEST_BLOB_UNKNOWN')
  })

  it('hold to their conditions', async () => {
    await prepare()
    const none = { 'If-None-Match': '*' }
    assert.equal((await put('latest', MANIFEST, none)).status, 201)
    assert.equal((await put('latest', OTHER.manifest, none)).status, 412)
    const match = { 'If-Match': `"${MANIFEST.digest}"` }
    assert.equal((await put('latest', OTHER.manifest, match)).status, 201)
    assert.equal((await put('latest', MANIFEST, match)).status, 412)
    assert.equal((await head('latest')).headers['docker-content-digest'], OTHER.manifest.digest)
  })

  it('let one of many through that all want to be the first', async () => {
    await prepare()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        put('first', i % 2 ? MANIFEST : OTHER.manifest, { 'If-None-Match': '*' }),
      ),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 412, 412, 412, 412, 412, 412, 412])
  })

  it('are both right when two push one tag, and the tag is one of them', async () => {
    await prepare()
    const answers = await Promise.all(
      [MANIFEST, OTHER.manifest, MANIFEST, OTHER.manifest].map((each) => put('race', each)),
    )
    assert.ok(answers.every(({ status }) => status === 201))
    const { headers } = await head('race')
    assert.ok([MANIFEST.digest, OTHER.manifest.digest].includes(headers['docker-content-digest'] as never))
  })

  it('do not move a tag that is there for good, nor delete it', async () => {
    await prepare('fixed')
    for (const reference of ['v1', 'v1', 'latest']) assert.equal((await put(reference, MANIFEST)).status, 201)
    const refused = await put('v1', OTHER.manifest)
    assertRefused(refused, 403, 'DENIED')
    assert.match(messageOf(refused), /local\.immutabletags/)
    assertRefused(await put(`${OTHER.manifest.digest}?tag=v1`, OTHER.manifest), 403, 'DENIED')
    assertRefused(await remove('v1'), 403, 'DENIED')
    assertRefused(await remove(MANIFEST.digest), 403, 'DENIED')
    assert.equal((await put('latest', OTHER.manifest)).status, 201)
    assert.equal((await head('v1')).headers['docker-content-digest'], MANIFEST.digest)
  })

  describe('are undone', () => {
    it('by tag: the manifest stays', async () => {
      await prepare()
      await put('a', MANIFEST)
      assert.equal((await remove('a')).status, 202)
      assert.equal((await head('a')).status, 404)
      assert.equal((await head(MANIFEST.digest)).status, 200)
      assertRefused(await remove('a'), 404, 'MANIFEST_UNKNOWN')
    })

    it('by digest: its tags go, others stay', async () => {
      await prepare()
      for (const tag of ['a', 'b']) await put(tag, MANIFEST)
      await put('c', OTHER.manifest)
      const { status, headers } = await remove(MANIFEST.digest)
      assert.deepEqual([status, headers['content-length']], [202, '0'])
      for (const reference of ['a', 'b', MANIFEST.digest]) assert.equal((await head(reference)).status, 404)
      assert.deepEqual((await entrepot.get(`/v2/${name}/tags/list`)).json(), { name, tags: ['c'] })
      assertRefused(await remove(MANIFEST.digest), 404, 'MANIFEST_UNKNOWN')
    })

    for (const by of ['sha256', 'sha512'] as const)
      it(`by the ${by} of what has two names: both names go, and the tags of both`, async () => {
        await prepare()
        await put(`${digestOf(MANIFEST.bytes, 'sha512')}?tag=long`, MANIFEST)
        await put('short', MANIFEST)
        assert.equal((await remove(digestOf(MANIFEST.bytes, by))).status, 202)
        for (const reference of ['long', 'short', MANIFEST.digest, digestOf(MANIFEST.bytes, 'sha512')])
          assert.equal((await head(reference)).status, 404, reference)
      })

    for (const by of ['sha256', 'sha512'] as const)
      it(`blobs by the ${by} of what has two names: both names go, here and nowhere else`, async () => {
        await prepare()
        const bytes = Buffer.from(`two names, by ${by}`)
        await pusher.blob(name, bytes, 'sha512')
        await pusher.blob(`${name}/other`, bytes)
        const place = `/v2/${name}/blobs`
        assert.equal((await entrepot.ask('DELETE', `${place}/${digestOf(bytes, by)}`)).status, 202)
        for (const digest of [digestOf(bytes), digestOf(bytes, 'sha512')])
          assertRefused(await entrepot.get(`${place}/${digest}`), 404, 'BLOB_UNKNOWN')
        assert.equal((await entrepot.head(`/v2/${name}/other/blobs/${digestOf(bytes)}`)).status, 200)
      })

    it('at once for whoever asks the moment after', async () => {
      await prepare()
      for (let round = 0; round < 5; round += 1) {
        await put('again', MANIFEST)
        const [, deleted] = await Promise.all([
          Promise.all(Array.from({ length: 8 }, () => head('again'))),
          remove(MANIFEST.digest),
        ])
        assert.equal(deleted.status, 202)
        assert.equal((await head('again')).status, 404)
        assert.equal((await head(MANIFEST.digest)).status, 404)
      }
    })
  })

  it('are not undone where storage.delete.enabled is not set', async () => {
    const plain = await startEntrepot()
    await new Pusher(plain).image('team/app', 'latest', IMAGE)
    for (const below of [
      'manifests/latest',
      `manifests/${MANIFEST.digest}`,
      `blobs/${IMAGE.config.digest}`,
    ]) {
      const answer = await plain.ask('DELETE', `/v2/team/app/${below}`)
      assertRefused(answer, 405, 'UNSUPPORTED')
      assert.match(messageOf(answer), /storage\.delete\.enabled/)
    }
    await plain.stop()
  })

  it('of an index do not need images that nobody wants to have here', async () => {
    const validation = { manifests: { indexes: { platforms: 'none' } } }
    const sparse = await startEntrepot({ config: { validation } })
    const index = makeIndex([{ image: IMAGE, os: 'linux', architecture: 'amd64' }])
    assert.equal((await new Pusher(sparse).put('team/app', 'latest', index)).status, 201)
    await sparse.stop()
  })

  it('keep fields that nobody here knows', async () => {
    await prepare()
    const { config, layers } = JSON.parse(MANIFEST.bytes.toString()) as { config: object; layers: object[] }
    const odd = makeManifest({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { ...config, mediaType: 'application/x-odd' },
      layers,
      odd: [1, { two: null }],
    })
    assert.equal((await put('odd', odd)).status, 201)
    assert.deepEqual((await entrepot.get(path('odd'))).body, odd.bytes)
  })
})
