import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'

interface Told {
  readonly action: string
  readonly target: Readonly<Record<string, unknown>>
  readonly request: Readonly<Record<string, string>>
  readonly source: { readonly addr: string; readonly instanceID: string }
}

/** The events that a receiver was told of, in order. */
const toldTo = (receiver: Receiver): Told[] =>
  receiver.posts.flatMap(({ body }) => (JSON.parse(body) as { events: Told[] }).events)

/** What is told of each, in few words. */
const summaries = (receiver: Receiver): string[] =>
  toldTo(receiver).map(
    ({ action, target }) => `${action} ${target.repository}:${target.tag ?? target.digest}`,
  )

const endpointTo = (receiver: Receiver, settings: object = {}) => ({
  name: 'hook',
  url: receiver.url,
  timeout: '10s',
  backoff: '1ms',
  ...settings,
})

const pushBlob = async (entrepot: TestEntrepot, name: string, digest: string, bytes: Buffer) => {
  const answer = await entrepot.ask('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, {}, bytes)
  assert.equal(answer.status, 201)
}

/** Pushes the blobs of an image in turn, and its manifest. */
const push = async (entrepot: TestEntrepot, name: string, tag: string, image: TestImage): Promise<void> => {
  const { manifest, config, layers } = image
  for (const { digest, sizeBytes, ...blob } of [config, ...layers])
    await pushBlob(entrepot, name, digest, await buffer(blob.stream(0, sizeBytes - 1)))
  const headers = { 'Content-Type': manifest.mediaType }
  const answer = await entrepot.ask('PUT', `/v2/${name}/manifests/${tag}`, headers, manifest.bytes)
  assert.equal(answer.status, 201)
}

describe('notifications', () => {
  let receiver: Receiver
  let entrepot: TestEntrepot
  const image = makeImage({ layers: [1000] })
  const [layer] = image.layers

  const start = async (settings: object = {}, sections: object = {}) => {
    entrepot = await startEntrepot({
      config: {
        notifications: { endpoints: [endpointTo(receiver, settings)] },
        storage: { delete: { enabled: true } },
        ...sections,
      },
    })
  }

  beforeEach(async () => {
    receiver = await startReceiver()
  })
  afterEach(async () => {
    await entrepot.stop()
    await receiver.stop()
  })

  it('tell of pushes, mounts, pulls and deletes, in order', async () => {
    await start()
    const { manifest, config } = image
    await push(entrepot, 'a/app', '1', image)
    await entrepot.ask('POST', `/v2/b/app/blobs/uploads/?mount=${layer?.digest}&from=a/app`)
    await entrepot.get('/v2/a/app/manifests/1')
    await entrepot.get(`/v2/a/app/blobs/${layer?.digest}`)
    await entrepot.get(`/v2/a/app/blobs/${layer?.digest}`, { Range: 'bytes=0-9' })
    await entrepot.ask('DELETE', `/v2/a/app/blobs/${config.digest}`)
    await entrepot.ask('DELETE', `/v2/a/app/manifests/${manifest.digest}`)
    await receiver.received(10)
    assert.deepEqual(summaries(receiver), [
      `push a/app:${config.digest}`,
      `push a/app:${layer?.digest}`,
      'push a/app:1',
      `mount b/app:${layer?.digest}`,
      'pull a/app:1',
      `pull a/app:${layer?.digest}`,
      `pull a/app:${layer?.digest}`,
      `delete a/app:${config.digest}`,
      `delete a/app:${manifest.digest}`,
      'delete a/app:1',
    ])
  })

  it('tell nothing of what a HEAD, a conditional request or a mistake reads', async () => {
    await start()
    await push(entrepot, 'a/app', '1', image)
    const none = { 'If-None-Match': `"${layer?.digest}"` }
    await entrepot.head('/v2/a/app/manifests/1')
    await entrepot.head(`/v2/a/app/blobs/${layer?.digest}`)
    await entrepot.get(`/v2/a/app/blobs/${layer?.digest}`, none)
    await entrepot.get('/v2/a/app/manifests/2')
    await entrepot.get(`/v2/a/app/blobs/${layer?.digest}`, { Range: 'bytes=999999-' })
    await entrepot.get('/v2/a/app/manifests/1')
    await receiver.received(4)
    assert.deepEqual(
      summaries(receiver).filter((each) => !each.startsWith('push')),
      ['pull a/app:1'],
    )
  })

  it('say who, where and what, as distribution does', async () => {
    await start({ headers: { 'X-Secret': ['sesame'] } })
    await push(entrepot, 'a/app', '1', image)
    await receiver.received(3)
    const { target, request, source } = toldTo(receiver).at(-1)!
    const { digest, mediaType, bytes } = image.manifest
    const { host } = new URL(entrepot.url)
    assert.deepEqual(target, {
      mediaType,
      digest,
      size: bytes.length,
      length: bytes.length,
      repository: 'a/app',
      url: `${entrepot.url}/v2/a/app/manifests/${digest}`,
      tag: '1',
    })
    assert.deepEqual([request.method, request.host], ['PUT', host])
    assert.match(request.addr ?? '', /^127\.0\.0\.1:\d+$/)
    assert.match(source.instanceID, /^[0-9a-f-]{36}$/)
    const [post] = receiver.posts
    assert.equal(post?.headers['content-type'], 'application/vnd.docker.distribution.events.v1+json')
    assert.equal(post?.headers['x-secret'], 'sesame')
  })

  it('list what a manifest names, where the settings say so', async () => {
    await start(
      {},
      { notifications: { events: { includereferences: true }, endpoints: [endpointTo(receiver)] } },
    )
    await push(entrepot, 'a/app', '1', image)
    await entrepot.get('/v2/a/app/manifests/1')
    await receiver.received(4)
    const named = [image.config, ...image.layers].map(({ digest }) => digest)
    for (const { target } of toldTo(receiver).slice(2))
      assert.deepEqual(
        (target.references as { digest: string }[]).map(({ digest }) => digest),
        named,
      )
  })

  it('leave out what the settings say', async () => {
    const blobs = { ignoredmediatypes: ['application/octet-stream'], ignore: { actions: ['pull'] } }
    await start(blobs)
    await push(entrepot, 'a/app', '1', image)
    await entrepot.get('/v2/a/app/manifests/1')
    await entrepot.ask('DELETE', '/v2/a/app/manifests/1')
    await receiver.received(2)
    assert.deepEqual(summaries(receiver), ['push a/app:1', 'delete a/app:1'])
  })

  it('are not sent where the endpoint is disabled', async () => {
    await start({ disabled: true })
    await push(entrepot, 'a/app', '1', image)
    await entrepot.stop()
    assert.equal(receiver.posts.length, 0)
    await start()
  })

  it('come in order once the endpoint is back, and no request waits for it', async () => {
    await start({ threshold: 2 })
    await receiver.stop()
    await push(entrepot, 'a/app', '1', image)
    await entrepot.get('/v2/a/app/manifests/1')
    await receiver.start()
    await receiver.received(4)
    assert.deepEqual(
      toldTo(receiver).map(({ action }) => action),
      ['push', 'push', 'push', 'pull'],
    )
    assert.ok((await entrepot.metric('registry_notifications_events_total', { type: 'Errors' })) > 0)
  })

  it('are delivered at the stop, as far as the endpoint takes them', async () => {
    await start()
    await push(entrepot, 'a/app', '1', image)
    await entrepot.stop()
    assert.equal(receiver.posts.length, 3)
    await start()
  })

  it('name a mirrored repository as it is stored', async () => {
    const hub = await startScriptedUpstream()
    const { layers } = hub.addImage('library/alpine', '3', image)
    await start({}, { proxy: { remoteurl: hub.url } })
    await entrepot.get('/v2/alpine/manifests/3')
    await entrepot.get(`/v2/alpine/blobs/${layers[0]?.digest}`)
    await receiver.received(2)
    assert.deepEqual(summaries(receiver), [
      'pull library/alpine:3',
      `pull library/alpine:${layers[0]?.digest}`,
    ])
    await entrepot.settle()
    await hub.close()
  })
})
