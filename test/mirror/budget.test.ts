import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Digest } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { listFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import type { TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const NAME = 'library/app'
const LAYER_BYTES = 60_000
const MAX_BYTES = 500_000
const IMAGES = 25

describe('a mirror with a disk budget', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let images: TestImage[]
  let nowMs: number

  beforeEach(async () => {
    hub = await startScriptedUpstream()
    nowMs = Date.now()
    images = Array.from({ length: IMAGES }, (_, i) =>
      hub.addImage(NAME, `v${i}`, { layers: [LAYER_BYTES, LAYER_BYTES], seed: `image ${i}` }),
    )
    const cache = { maxsize: MAX_BYTES, minfree: 0 }
    entrepot = await startEntrepot({ upstream: hub, config: { cache }, now: () => nowMs })
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
  })

  const getBlob = async (digest: Digest): Promise<void> => {
    const answer = await entrepot.get(`/v2/${NAME}/blobs/${digest}`)
    assert.deepEqual([answer.status, answer.isCut], [200, false])
  }
  /** Pulls as a client that has nothing does. @returns blobs that the upstream was asked for */
  const pull = async (i: number): Promise<number> => {
    const before = hub.counts.blob
    const { config, layers } = images[i]!
    assert.equal((await entrepot.get(`/v2/${NAME}/manifests/v${i}`)).status, 200)
    await Promise.all([config, ...layers].map(({ digest }) => getBlob(digest)))
    await entrepot.settle()
    nowMs += 60_000
    return hub.counts.blob - before
  }
  const size = (): Promise<number> => entrepot.metric('entrepot_cache_size_bytes')

  it('holds under several times as much, and keeps what is used all the time', async () => {
    assert.equal(await pull(0), 3)
    for (let i = 1; i < IMAGES; i += 1) {
      assert.equal(await pull(i), 3)
      assert.equal(await pull(0), 0, `image 0 was evicted at image ${i}`)
      assert.ok((await size()) <= MAX_BYTES)
    }
    assert.ok((await entrepot.metric('entrepot_evicted_bytes_total')) > IMAGES * LAYER_BYTES)
    assert.ok((await entrepot.metric('entrepot_evicted_unused_seconds_count')) > 0)
    const refetched = await pull(1)
    assert.equal(refetched, 2, 'its config stayed, its layers are fetched again')
  })

  it('holds when everything is pulled at once, and nobody is refused', async () => {
    await Promise.all(images.map((_, i) => pull(i)))
    await entrepot.settle()
    assert.ok((await size()) <= MAX_BYTES, `${await size()} bytes`)
    assert.deepEqual(await listFolder(entrepot.root, 'entrepot/partials'), [])
  })

  it('passes on what is larger than all of it, and keeps nothing of that', async () => {
    await pull(0)
    const large = hub.addBlob(NAME, seededBytes(2 * MAX_BYTES, 'large'))
    const image = hub.addImage(NAME, 'large', { layers: [large] })
    await entrepot.get(`/v2/${NAME}/manifests/large`)
    for (let i = 1; i <= 2; i += 1) {
      const answer = await entrepot.get(`/v2/${NAME}/blobs/${image.layers[0]?.digest}`)
      assert.deepEqual(answer.body, seededBytes(2 * MAX_BYTES, 'large'))
      await entrepot.settle()
    }
    assert.ok((await size()) <= MAX_BYTES)
    assert.equal(await pull(0), 0, 'and nothing was evicted for it')
  })

  it('evicts nothing for what is larger than all of it, where room is asked for something else meanwhile', async () => {
    await pull(0)
    const large = hub.addBlob(NAME, seededBytes(2 * MAX_BYTES, 'large'))
    hub.addImage(NAME, 'large', { layers: [large] })
    // The config is fetched ahead, and asks for room while the upstream is asked for the layer.
    hub.fault('blob', { latencyMs: 100 })
    hub.fault('blobHead', { latencyMs: 300 })
    await entrepot.get(`/v2/${NAME}/manifests/large`)
    await entrepot.get(`/v2/${NAME}/blobs/${large.digest}`)
    await entrepot.settle()
    assert.equal(await pull(0), 0)
  })

  it('passes nothing on as the whole that an upstream said to be shorter than it is', async () => {
    const large = hub.addBlob(NAME, seededBytes(2 * MAX_BYTES, 'large'))
    hub.addImage(NAME, 'large', { layers: [large] })
    await entrepot.get(`/v2/${NAME}/manifests/large`)
    hub.fault('blobHead', { growBy: -1000 })
    const { status, isCut, body } = await entrepot.get(`/v2/${NAME}/blobs/${large.digest}`)
    assert.deepEqual([status, isCut], [200, true])
    assert.ok(body.length < 2 * MAX_BYTES - 1000)
  })

  it('keeps nothing of what is larger than all of it, also when only the blob itself tells', async () => {
    await pull(0)
    const bytes = seededBytes(4 * MAX_BYTES, 'large')
    const { digest } = hub.addBlob(NAME, bytes)
    const answers = await Promise.all([1, 2, 3].map(() => entrepot.get(`/v2/${NAME}/blobs/${digest}`)))
    for (const { body, isCut } of answers) assert.ok(!isCut && body.equals(bytes))
    await entrepot.settle()
    assert.deepEqual(await listFolder(entrepot.root, 'entrepot/partials'), [])
    assert.equal(await pull(0), 0, 'and nothing was evicted for it')
  })

  it('is of no concern to what is pushed', async () => {
    await entrepot.stop()
    const local = { repositories: ['team/**'], push: 'anyone' }
    const cache = { maxsize: MAX_BYTES, minfree: 0 }
    entrepot = await startEntrepot({ upstream: hub, config: { cache, local } })
    const blobs = Array.from({ length: 20 }, (_, i) => seededBytes(LAYER_BYTES, `local ${i}`))
    const digests: string[] = []
    for (const bytes of blobs) {
      const { digest } = hub.addBlob('library/unused', bytes)
      const pushed = await entrepot.ask('POST', `/v2/team/app/blobs/uploads/?digest=${digest}`, {}, bytes)
      assert.equal(pushed.status, 201)
      digests.push(digest)
    }
    for (let i = 0; i < 6; i += 1) await pull(i)
    for (const digest of digests)
      assert.equal((await entrepot.head(`/v2/team/app/blobs/${digest}`)).status, 200)
    assert.ok((await size()) <= MAX_BYTES)
  })
})
