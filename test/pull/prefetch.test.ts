import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextRound } from 'node:timers/promises'
import { LayerOrders } from '../../src/fetch/layer-order.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { Prefetch, type PrefetchOptions } from '../../src/pull/prefetch.ts'

const REPOSITORY = {
  kind: 'mirrored',
  name: 'library/alpine',
  origin: { upstream: {}, name: 'library/alpine' },
} as unknown as Parameters<Prefetch['noteMiss']>[0]

const describeBlob = (name: string, mediaType: string) => ({ mediaType, digest: digestOf(name), size: 1000 })

const CONFIG = describeBlob('config', 'application/vnd.oci.image.config.v1+json')
const LAYERS = Array.from({ length: 6 }, (_, i) =>
  describeBlob(`layer ${i}`, 'application/vnd.oci.image.layer.v1.tar+gzip'),
)
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, config: CONFIG, layers: LAYERS }))

const digestOfLayer = (index: number): Digest => LAYERS[index]?.digest as Digest

/** Fetches ahead of what is there to be asked for, and ends each fetch as it is told. */
class Scene {
  readonly prefetch: Prefetch
  /** Layers that were fetched so far, in order, and how many configs. */
  readonly fetched: number[] = []
  configs = 0
  readonly #ends = new Map<Digest, { resolve: (isStored: boolean) => void; reject: (error: Error) => void }>()

  constructor(options: Partial<PrefetchOptions> = {}) {
    this.prefetch = new Prefetch({
      isEnabled: true,
      mayFetch: () => true,
      fetch: (_, digest) => {
        const index = LAYERS.findIndex((layer) => layer.digest === digest)
        if (index === -1) this.configs += 1
        else this.fetched.push(index)
        return new Promise((resolve, reject) => this.#ends.set(digest, { resolve, reject }))
      },
      orders: new LayerOrders(() => 0),
      log: silentLogger,
      metrics: createMetrics(),
      ...options,
    })
    this.prefetch.noteManifest(REPOSITORY, digestOf(MANIFEST), MANIFEST)
  }

  miss(index: number): void {
    this.prefetch.noteMiss(REPOSITORY, digestOfLayer(index))
  }

  async end(index: number, error?: Error): Promise<void> {
    const { resolve, reject } = this.#ends.get(digestOfLayer(index))!
    if (error === undefined) resolve(true)
    else reject(error)
    await nextRound()
  }
}

describe('what is fetched ahead of a client', () => {
  it('is the config, once its manifest is given', () => {
    const scene = new Scene()
    assert.deepEqual([scene.configs, scene.fetched], [1, []])
  })

  it('are the layers from the first on, once one of them is asked for, and no more than three with that one', () => {
    const scene = new Scene()
    scene.miss(0)
    assert.deepEqual(scene.fetched, [0, 1, 2])
  })

  it('are the first three, whichever of them is asked for first', () => {
    for (const [first, fetched] of [
      [1, [1, 0, 2]],
      [2, [2, 0, 1]],
    ] as const) {
      const scene = new Scene()
      scene.miss(first)
      assert.deepEqual(scene.fetched, fetched)
    }
  })

  it('begin with a later one that is asked for first: its client has those below it already', async () => {
    const scene = new Scene()
    scene.miss(4)
    assert.deepEqual(scene.fetched, [4, 5, 0])
    await scene.end(4)
    assert.deepEqual(scene.fetched, [4, 5, 0, 1])
  })

  it('goes on with the next one whenever one ends, and however', async () => {
    const scene = new Scene()
    scene.miss(0)
    await scene.end(1)
    assert.deepEqual(scene.fetched, [0, 1, 2, 3])
    await scene.end(0, new Error('the upstream is gone'))
    assert.deepEqual(scene.fetched, [0, 1, 2, 3, 4])
  })

  it('is fetched once, however many of its layers are missed', () => {
    const scene = new Scene()
    for (const index of [0, 1, 2, 5]) scene.miss(index)
    assert.deepEqual(scene.fetched, [0, 1, 2])
  })

  it('ends where nothing may be fetched ahead any more, until the next layer is missed', async () => {
    let isSpared = false
    const scene = new Scene({ mayFetch: () => !isSpared })
    scene.miss(0)
    isSpared = true
    for (const index of [0, 1, 2]) await scene.end(index)
    assert.deepEqual(scene.fetched, [0, 1, 2])
    isSpared = false
    scene.miss(3)
    assert.deepEqual(scene.fetched, [0, 1, 2, 3, 4, 5])
  })

  it('is nothing more once it is closed', async () => {
    const scene = new Scene()
    scene.miss(0)
    scene.prefetch.close()
    for (const index of [0, 1, 2]) await scene.end(index)
    scene.miss(3)
    assert.deepEqual(scene.fetched, [0, 1, 2])
  })

  it('is nothing where that is switched off, but sizes are known', () => {
    const scene = new Scene({ isEnabled: false })
    scene.miss(0)
    assert.deepEqual([scene.configs, scene.fetched], [0, []])
    assert.equal(scene.prefetch.sizeOf(digestOfLayer(3)), 1000)
  })
})

describe('the place of a layer in its image', () => {
  it('is told for every layer, all of one order', () => {
    const { prefetch } = new Scene()
    const places = LAYERS.map((_, i) => prefetch.placeOf(REPOSITORY, digestOfLayer(i)))
    assert.deepEqual(
      places.map((place) => place?.index),
      LAYERS.map((_, i) => i),
    )
    assert.equal(new Set(places.map((place) => place?.order)).size, 1)
  })

  it('is told of nothing that is no layer, nor in another repository', () => {
    const { prefetch } = new Scene()
    assert.equal(prefetch.placeOf(REPOSITORY, CONFIG.digest), undefined)
    const other = { ...REPOSITORY, name: 'library/other' } as typeof REPOSITORY
    assert.equal(prefetch.placeOf(other, digestOfLayer(0)), undefined)
  })
})
