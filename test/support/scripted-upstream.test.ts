import assert from 'node:assert/strict'
import { buffer as bytesOf } from 'node:stream/consumers'
import { test } from 'node:test'
import { Agent, request } from 'undici'
import { digestOf } from '../../src/protocol/digest.ts'
import { parseManifest } from '../../src/protocol/manifest.ts'
import { seededBytes, seededContent } from './bytes.ts'
import { makeImage, makeIndex } from './images.ts'
import {
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  startScriptedUpstream,
} from './scripted-upstream.ts'

const withUpstream =
  (options: ScriptedUpstreamOptions, run: (hub: ScriptedUpstream, get: typeof request) => Promise<void>) =>
  async () => {
    const hub = await startScriptedUpstream(options)
    const dispatcher = new Agent()
    try {
      await run(hub, ((url, init) => request(url as string, { ...init, dispatcher })) as typeof request)
    } finally {
      await dispatcher.destroy()
      await hub.close()
      assert.equal(hub.openSockets, 0)
    }
  }

test('seeded bytes are the same from any offset, held or streamed', async () => {
  const content = seededContent(1_000_003, 'a')
  const whole = seededBytes(1_000_003, 'a')
  assert.equal(content.digest, digestOf(whole))
  assert.deepEqual(await bytesOf(content.stream(262_145, 700_001)), whole.subarray(262_145, 700_002))
  assert.notDeepEqual(seededBytes(100, 'b'), seededBytes(100, 'a'))
})

test('made images are valid and the same on every run', () => {
  const image = makeImage({ layers: [10], seed: 'x' })
  assert.deepEqual(makeImage({ layers: [10], seed: 'x' }).manifest, image.manifest)
  const manifest = parseManifest(image.manifest.bytes)
  assert.equal(manifest.kind, 'image')
  const index = parseManifest(makeIndex([{ image, os: 'linux', architecture: 'amd64' }]).bytes)
  assert.equal(index.kind === 'index' && index.manifests[0]?.digest, image.manifest.digest)
})

test(
  'manifests, blobs, ranges, tags and referrers are served and counted',
  withUpstream({ pageSize: 1 }, async (hub, get) => {
    const image = hub.addImage('a/b', '1', { layers: [5000] })
    hub.addImage('a/b', '2', { seed: 'two', subject: image.manifest })
    const layer = image.layers[0]!
    const manifest = await get(`${hub.url}/v2/a/b/manifests/1`)
    assert.equal(manifest.headers['docker-content-digest'], image.manifest.digest)
    assert.deepEqual(await bytesOf(manifest.body), image.manifest.bytes)
    const head = await get(`${hub.url}/v2/a/b/blobs/${layer.digest}`, { method: 'HEAD' })
    assert.equal(head.headers['content-length'], String(layer.sizeBytes))
    await head.body.dump()
    const part = await get(`${hub.url}/v2/a/b/blobs/${layer.digest}`, { headers: { range: 'bytes=10-19' } })
    assert.equal(part.statusCode, 206)
    assert.equal(part.headers['content-range'], `bytes 10-19/${layer.sizeBytes}`)
    assert.deepEqual(await bytesOf(part.body), await bytesOf(layer.stream(10, 19)))
    const tags = await get(`${hub.url}/v2/a/b/tags/list`)
    assert.equal(tags.headers.link, '</v2/a/b/tags/list?start=1>; rel="next"')
    assert.deepEqual(await tags.body.json(), { name: 'a/b', tags: ['1'] })
    const referrers = await get(`${hub.url}/v2/a/b/referrers/${image.manifest.digest}`)
    assert.equal(((await referrers.body.json()) as { manifests: unknown[] }).manifests.length, 1)
    const { manifest: manifests, blobHead, blob, tags: lists } = hub.counts
    assert.deepEqual({ manifests, blobHead, blob, lists }, { manifests: 1, blobHead: 1, blob: 1, lists: 1 })
  }),
)

test(
  'the token dance opens a public repository, and a private one only to its account',
  withUpstream({ tokens: { users: { al: 'pw' }, private: ['p'] } }, async (hub, get) => {
    hub.addImage('a', 'x')
    hub.addImage('p', 'x')
    const statusWith = async (name: string, authorization?: string) => {
      const refused = await get(`${hub.url}/v2/${name}/manifests/x`)
      assert.equal(refused.statusCode, 401)
      assert.match(
        String(refused.headers['www-authenticate']),
        /^Bearer realm="http:\/\/127.*scope="repository:.+:pull"$/,
      )
      await refused.body.dump()
      const headers = authorization === undefined ? {} : { authorization }
      const answer = await get(`${hub.url}/token?service=scripted&scope=repository:${name}:pull`, { headers })
      if (answer.statusCode !== 200) return answer.body.dump().then(() => `token ${answer.statusCode}`)
      const { token } = (await answer.body.json()) as { token: string }
      const again = await get(`${hub.url}/v2/${name}/manifests/x`, {
        headers: { authorization: `Bearer ${token}` },
      })
      await again.body.dump()
      return again.statusCode
    }
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
    assert.equal(await statusWith('a'), 200)
    assert.equal(await statusWith('p'), 401)
    assert.equal(await statusWith('p', basic('al:pw')), 200)
    assert.equal(await statusWith('a', basic('al:no')), 'token 401')
    assert.equal(await statusWith('none'), 401)
  }),
)

test(
  'a redirected blob comes from the other origin, without Authorization and while the signature holds',
  withUpstream({ redirect: { refusesHead: true } }, async (hub, get) => {
    const { digest } = hub.addBlob('a', seededBytes(100))
    const { headers, body, statusCode } = await get(`${hub.url}/v2/a/blobs/${digest}`)
    await body.dump()
    assert.equal(statusCode, 307)
    const location = String(headers.location)
    const statusOf = async (init: Parameters<typeof request>[1]) => {
      const answer = await get(location, init)
      await answer.body.dump()
      return answer.statusCode
    }
    assert.equal(new URL(location).origin, hub.cdnUrl)
    assert.equal(await statusOf({}), 200)
    assert.equal(await statusOf({ headers: { authorization: 'Bearer x' } }), 400)
    assert.equal(await statusOf({ method: 'HEAD' }), 403)
    hub.expireSignatures()
    assert.equal(await statusOf({}), 403)
  }),
)

const bodyFaults = [
  { title: 'dropAt', fault: { dropAt: 1000 }, ends: 'cut', bytes: 1000 },
  { title: 'dropAt 0', fault: { dropAt: 0 }, ends: 'cut', bytes: 0 },
  { title: 'growBy -10', fault: { growBy: -10 }, ends: 'whole', bytes: 99_990 },
  { title: 'growBy 10', fault: { growBy: 10 }, ends: 'whole', bytes: 100_010 },
  {
    title: 'a Content-Length too great',
    fault: { headers: { 'content-length': '100001' } },
    ends: 'cut',
    bytes: 100_000,
  },
  { title: 'no Content-Length', fault: { omit: ['content-length'] }, ends: 'whole', bytes: 100_000 },
] as const

for (const { title, fault, ends, bytes } of bodyFaults)
  test(
    `${title} leaves ${bytes} bytes, ${ends}`,
    withUpstream({}, async (hub, get) => {
      const { digest } = hub.addBlob('a', seededBytes(100_000))
      hub.fault('blob', fault)
      let got = 0
      const read = async () => {
        const { body } = await get(`${hub.url}/v2/a/blobs/${digest}`)
        for await (const chunk of body) got += chunk.length
      }
      if (ends === 'cut') await assert.rejects(read())
      else await read()
      assert.ok(got <= bytes)
      if (ends === 'whole') assert.equal(got, bytes)
      const again = await get(`${hub.url}/v2/a/blobs/${digest}`)
      assert.deepEqual(await bytesOf(again.body), seededBytes(100_000))
    }),
  )

test(
  'a fault that hangs says when it is met and goes on when it is released',
  withUpstream({}, async (hub, get) => {
    const { digest } = hub.addBlob('a', seededBytes(100_000))
    const head = hub.fault('blob', { hang: true })
    const middle = hub.fault('blob', { hangAt: 500 })
    const first = get(`${hub.url}/v2/a/blobs/${digest}`)
    await head.met
    const second = await get(`${hub.url}/v2/a/blobs/${digest}`)
    await middle.met
    middle.release()
    assert.deepEqual(await bytesOf(second.body), seededBytes(100_000))
    head.release()
    assert.deepEqual(await bytesOf((await first).body), seededBytes(100_000))
  }),
)

test(
  'ranges can lie',
  withUpstream({}, async (hub, get) => {
    const { digest } = hub.addBlob('a', seededBytes(1000))
    hub.fault('blob', { ignoreRange: true })
    hub.fault('blob', { shiftRangeBy: 5 })
    const ask = () => get(`${hub.url}/v2/a/blobs/${digest}`, { headers: { range: 'bytes=100-' } })
    const whole = await ask()
    assert.equal(whole.statusCode, 200)
    assert.equal((await bytesOf(whole.body)).length, 1000)
    const shifted = await ask()
    assert.equal(shifted.headers['content-range'], 'bytes 105-999/1000')
    assert.deepEqual(await bytesOf(shifted.body), seededBytes(1000).subarray(105))
  }),
)

test(
  'a stopped upstream refuses connections and comes back on the same port',
  withUpstream({}, async (hub, get) => {
    const url = hub.url
    await hub.stop()
    await assert.rejects(get(`${url}/v2/`), { code: 'ECONNREFUSED' })
    await hub.start()
    assert.equal(hub.url, url)
    const { statusCode, body } = await get(`${url}/v2/`)
    await body.dump()
    assert.equal(statusCode, 200)
  }),
)
