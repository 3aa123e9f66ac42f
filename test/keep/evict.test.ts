import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import { blobKey, layerLinkKey } from '../../src/store/paths.ts'
import fc from '../support/fast-check.ts'
import { imageOf, Workbench } from './workbench.ts'

const MINUTE_MS = 60_000
const ALPINE = 'library/alpine'
const CONFIG = Buffer.from('{"config":1}')
const LAYERS = Array.from({ length: 8 }, (_, i) => Buffer.from(`layer ${i} `.repeat(10 + i)))
const sizeOf = (layers: readonly Buffer[]): number => layers.reduce((sum, { length }) => sum + length, 0)

/** The next process on the same store, at the same time. */
const restart = async ({ root, aheadMs, store }: Workbench): Promise<Workbench> => {
  await store.mirroredSize.stop()
  await store.uses.stop()
  await store.owner.stop()
  const next = await Workbench.open({ root })
  next.aheadMs = aheadMs
  await next.store.mirroredSize.start()
  return next
}

describe('eviction', () => {
  let bench: Workbench

  beforeEach(async () => {
    bench = await Workbench.open()
  })
  afterEach(() => bench.close())

  const tick = (): void => {
    bench.aheadMs += MINUTE_MS
  }
  /** Fetches layers, a minute apart. */
  const mirror = async (layers: readonly Buffer[], name = ALPINE): Promise<void> => {
    for (const layer of layers) {
      await bench.mirrorBlob(name, layer)
      tick()
    }
  }
  const pull = (layer: Buffer): void => {
    bench.store.uses.note(digestOf(layer))
    tick()
  }
  const stored = async (): Promise<Set<Digest>> => new Set(await bench.listBytes())
  const isThere = async (bytes: Buffer): Promise<boolean> => (await stored()).has(digestOf(bytes))
  const writeKey = async (key: string, text: string | Buffer): Promise<void> => {
    await mkdir(join(bench.root, dirname(key)), { recursive: true })
    await writeFile(join(bench.root, key), text)
  }

  it('takes the least recently used layers first, and no more than is wanted', async () => {
    await mirror(LAYERS.slice(0, 4))
    pull(LAYERS[0]!)
    const freed = await bench.evictor.evict({ bytes: LAYERS[1]!.length + 1 })
    assert.equal(freed, sizeOf([LAYERS[1]!, LAYERS[2]!]))
    assert.deepEqual(await stored(), new Set([digestOf(LAYERS[0]!), digestOf(LAYERS[3]!)]))
  })

  it('goes by uses of earlier processes too', async () => {
    await mirror(LAYERS.slice(0, 3))
    bench.aheadMs += 60 * MINUTE_MS
    pull(LAYERS[0]!)
    await bench.store.uses.stop()
    const again = await Workbench.open({ root: bench.root })
    again.aheadMs = bench.aheadMs
    await again.evictor.evict({ bytes: 1 })
    assert.equal(await isThere(LAYERS[1]!), false)
    await again.store.owner.stop()
  })

  it('takes neither manifests nor configs, known ones or not', async () => {
    const image = imageOf([CONFIG, LAYERS[0]!])
    await bench.mirrorBlob(ALPINE, CONFIG)
    await bench.mirrorBlob(ALPINE, LAYERS[0]!)
    await bench.mirrorManifest(ALPINE, image, 'latest')
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual(await stored(), new Set([digestOf(CONFIG), digestOf(image)]))
  })

  it('takes nothing that a local repository has, whoever has it besides', async () => {
    await mirror(LAYERS.slice(0, 2))
    await bench.pushBlob('team/app', LAYERS[0]!)
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual(await stored(), new Set([digestOf(LAYERS[0]!)]))
  })

  it('takes nothing that became local after the store was looked through', async () => {
    await mirror(LAYERS.slice(0, 3))
    await bench.evictor.evict({ bytes: 1 })
    assert.ok(await bench.mount('team/app', digestOf(LAYERS[1]!), ALPINE))
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual(await stored(), new Set([digestOf(LAYERS[1]!)]))
  })

  it('takes nothing that a manifest named which was pushed after that, though its blobs were not', async () => {
    const unclaimed = { ...bench.mirrored('team/app'), kind: 'unclaimed' } as const
    for (const bytes of [CONFIG, LAYERS[0]!, LAYERS[1]!]) {
      const file = join(bench.root, 'fetched')
      await writeFile(file, bytes)
      const stored = digestOf(bytes)
      await bench.mirror.keepBlob(unclaimed, stored, { file, sizeBytes: bytes.length, stored })
      tick()
    }
    await mirror(LAYERS.slice(2, 4))
    await bench.evictor.evict({ bytes: LAYERS[0]!.length })
    await bench.pushManifest('team/app', imageOf([CONFIG, LAYERS[1]!]), 'v1')
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual([await isThere(LAYERS[1]!), await isThere(LAYERS[3]!)], [true, false])
  })

  it('takes nothing that was there without a link while the store was looked through', async () => {
    const [pushed, fetched] = [LAYERS[0]!, LAYERS[1]!]
    await mirror([fetched])
    await bench.store.leases.during([digestOf(pushed)], async () => {
      await writeKey(blobKey(digestOf(pushed)), pushed)
      await bench.evictor.count()
      await writeKey(layerLinkKey('old' as RepositoryName, digestOf(pushed)), digestOf(pushed))
    })
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual([await isThere(pushed), await isThere(fetched)], [true, false])
  })

  it('takes nothing of an unclaimed repository, but what its upstream has confirmed', async () => {
    await writeKey(blobKey(digestOf(LAYERS[0]!)), LAYERS[0]!)
    await writeKey(layerLinkKey('old' as RepositoryName, digestOf(LAYERS[0]!)), digestOf(LAYERS[0]!))
    const file = join(bench.root, 'fetched')
    await writeFile(file, LAYERS[1]!)
    const unclaimed = { ...bench.mirrored('old'), kind: 'unclaimed' } as const
    const digest = digestOf(LAYERS[1]!)
    await bench.mirror.keepBlob(unclaimed, digest, { file, sizeBytes: LAYERS[1]!.length, stored: digest })
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual(await stored(), new Set([digestOf(LAYERS[0]!)]))
  })

  it('takes nothing of a repository whose upstream is none any more', async () => {
    await mirror(LAYERS.slice(0, 1))
    const other = await Workbench.open({ root: bench.root, hasUpstream: false })
    assert.equal(await other.evictor.evict({ bytes: 1e9 }), 0)
    await other.store.owner.stop()
  })

  it('takes nothing that is pinned, by tag or by digest, be it through an index', async () => {
    const image = imageOf([CONFIG, LAYERS[0]!])
    await mirror(LAYERS.slice(0, 2))
    await bench.mirrorManifest(ALPINE, image, 'latest')
    const reference = { kind: 'tag', tag: 'latest' as Tag } as const
    await bench.store.pins.add(ALPINE as RepositoryName, reference)
    await bench.evictor.evict({ bytes: 1e9 })
    assert.deepEqual([await isThere(LAYERS[0]!), await isThere(LAYERS[1]!)], [true, false])
    await bench.store.pins.remove(ALPINE as RepositoryName, reference)
    assert.deepEqual(await bench.store.pins.list(ALPINE as RepositoryName), [])
  })

  it('takes nothing that is being read or held', async () => {
    const large = Buffer.alloc(100_000, 'x')
    await mirror([large, LAYERS[0]!])
    const open = await bench.store.blobs.open(digestOf(large))
    await bench.store.leases.during([digestOf(LAYERS[0]!)], async () => {
      assert.equal(await bench.evictor.evict({ bytes: 1e9 }), 0)
    })
    await open?.close()
    await open?.close()
    tick()
    assert.equal(await bench.evictor.evict({ bytes: 1e9 }), large.length + LAYERS[0]!.length)
  })

  it('of one upstream leaves those of others alone', async () => {
    await mirror(LAYERS.slice(0, 2))
    await bench.mirrorBlob('other/app', LAYERS[2]!, bench.other)
    tick()
    assert.equal(await bench.evictor.evict({ bytes: 1e9, upstream: 'other' }), LAYERS[2]!.length)
    assert.equal((await stored()).size, 2)
  })

  it('leaves links that have no data: what was evicted is fetched again', async () => {
    await mirror(LAYERS.slice(0, 1))
    await bench.evictor.evict({ bytes: 1 })
    assert.equal(await bench.hasBlob(ALPINE, digestOf(LAYERS[0]!)), false)
    await mirror(LAYERS.slice(0, 1))
    assert.ok(await bench.hasBlob(ALPINE, digestOf(LAYERS[0]!)))
  })

  it('takes nothing while another process works on the volume', async () => {
    await mirror(LAYERS.slice(0, 1))
    bench.isAlone = false
    await assert.rejects(bench.evictor.evict({ bytes: 1 }), VolumeSharedError)
    assert.ok(await isThere(LAYERS[0]!))
  })

  it('is of least use, by a model, whatever was fetched, pulled, pushed and evicted before, over restarts', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('fetch'), i: fc.nat(LAYERS.length - 1) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('pull'), i: fc.nat(LAYERS.length - 1) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('push'), i: fc.nat(LAYERS.length - 1) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('evict'), i: fc.integer({ min: 1, max: 400 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart'), i: fc.constant(0) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        let play = await Workbench.open()
        await play.store.mirroredSize.start()
        try {
          /** Last use of what is mirrored, oldest first; and what is local. */
          const mirrored = new Map<number, number>()
          const local = new Set<number>()
          for (const { kind, i } of steps) {
            play.aheadMs += MINUTE_MS
            const layer = LAYERS[i]
            if (kind === 'fetch' && layer !== undefined) {
              if (mirrored.delete(i) || local.has(i)) play.store.uses.note(digestOf(layer))
              else await play.mirrorBlob(ALPINE, layer)
              if (!local.has(i)) mirrored.set(i, play.now())
            } else if (kind === 'pull' && layer !== undefined && mirrored.delete(i)) {
              play.store.uses.note(digestOf(layer))
              mirrored.set(i, play.now())
            } else if (kind === 'push' && layer !== undefined) {
              await play.pushBlob('team/app', layer)
              mirrored.delete(i)
              local.add(i)
            } else if (kind === 'evict') {
              let expected = 0
              for (const each of mirrored.keys()) {
                if (expected >= i) break
                expected += LAYERS[each]!.length
                mirrored.delete(each)
              }
              assert.equal(await play.evictor.evict({ bytes: i }), expected)
            } else if (kind === 'restart') {
              await play.evictor.count()
              play = await restart(play)
              assert.ok(play.store.mirroredSize.isCertain)
              assert.equal(
                play.store.mirroredSize.total(),
                sizeOf([...mirrored.keys()].map((i) => LAYERS[i]!)),
              )
            }
          }
          const left = [...mirrored.keys(), ...local].map((i) => digestOf(LAYERS[i]!))
          assert.deepEqual(await play.listBytes(), left.sort())
          await play.evictor.count()
          const bytes = sizeOf([...mirrored.keys()].map((i) => LAYERS[i]!))
          assert.equal(play.store.mirroredSize.total(), bytes)
        } finally {
          await play.store.mirroredSize.stop()
          await play.close()
        }
      }),
      { numRuns: Number(process.env.ENTREPOT_MODEL_RUNS ?? 25) },
    )
  })
})

describe('the size of what is mirrored', () => {
  it('has what is being stored from the beginning, once, whoever counts meanwhile', async () => {
    const bench = await Workbench.open()
    const { mirroredSize } = bench.store
    const digest = await bench.mirrorBlob(ALPINE, LAYERS[0]!)
    const { length } = LAYERS[1]!
    const sizes: number[] = []
    await mirroredSize.during(digestOf(LAYERS[1]!), 'hub', length, async () => {
      sizes.push(mirroredSize.total(), mirroredSize.total('hub'), mirroredSize.total('other'))
      const file = join(bench.root, 'fetched')
      await writeFile(file, LAYERS[1]!)
      await bench.store.blobs.adopt(file, digestOf(LAYERS[1]!))
      await bench.evictor.count()
      sizes.push(mirroredSize.total())
      await mirroredSize.during(digestOf(LAYERS[1]!), 'hub', length, async () => {})
      sizes.push(mirroredSize.total())
    })
    const all = sizeOf(LAYERS.slice(0, 2))
    assert.deepEqual([...sizes, mirroredSize.total()], [all, all, 0, all, all, all])
    const failing = mirroredSize.during(digestOf(LAYERS[2]!), 'hub', 1000, () =>
      Promise.reject(new Error('full')),
    )
    assert.equal(mirroredSize.total(), all + 1000)
    await assert.rejects(failing)
    assert.equal(mirroredSize.total(), all)
    assert.ok(await bench.hasBlob(ALPINE, digest))
    await bench.close()
  })

  it('is believed, and counted anew, when the process before was killed', async () => {
    const bench = await Workbench.open()
    await bench.store.mirroredSize.start()
    await bench.mirrorBlob(ALPINE, LAYERS[0]!)
    await bench.evictor.count()
    await bench.store.mirroredSize.stop()
    const killed = await Workbench.open({ root: bench.root })
    await killed.store.mirroredSize.start()
    assert.ok(killed.store.mirroredSize.isCertain)
    await killed.mirrorBlob(ALPINE, LAYERS[1]!)
    const { mirroredSize } = bench.store
    const next = await Workbench.open({ root: bench.root })
    await next.store.mirroredSize.start()
    const found = next.store.mirroredSize
    assert.deepEqual([found.isKnown, found.isCertain, found.total()], [true, false, mirroredSize.total()])
    await next.evictor.count()
    assert.deepEqual([found.isCertain, found.total()], [true, sizeOf(LAYERS.slice(0, 2))])
    found.doubt()
    assert.deepEqual([found.isKnown, found.isCertain], [true, false])
    for (const each of [killed, next]) {
      await each.store.mirroredSize.stop()
      await each.store.owner.stop()
    }
    await bench.close()
  })

  it('is counted as it comes and goes, by upstream, and is known over a restart', async () => {
    const bench = await Workbench.open()
    const { mirroredSize } = bench.store
    await mirroredSize.start()
    assert.equal(mirroredSize.isKnown, false)
    await bench.evictor.count()
    assert.deepEqual([mirroredSize.isKnown, mirroredSize.total()], [true, 0])
    for (const layer of LAYERS) await bench.mirrorBlob(ALPINE, layer)
    await bench.mirrorBlob(ALPINE, LAYERS[0]!)
    await bench.mirrorBlob('other/app', CONFIG, bench.other)
    await bench.pushBlob('team/app', Buffer.from('local'))
    const all = sizeOf(LAYERS)
    assert.deepEqual([mirroredSize.total(), mirroredSize.total('hub')], [all + CONFIG.length, all])
    const freed = await bench.evictor.evict({ bytes: 200 })
    assert.equal(mirroredSize.total('hub'), all - freed)
    await bench.evictor.count()
    assert.deepEqual([mirroredSize.total('hub'), mirroredSize.total('other')], [all - freed, CONFIG.length])
    await mirroredSize.stop()
    const again = await Workbench.open({ root: bench.root })
    await again.store.mirroredSize.start()
    assert.ok(again.store.mirroredSize.isKnown)
    assert.equal(again.store.mirroredSize.total(), all - freed + CONFIG.length)
    await again.store.mirroredSize.stop()
    await again.store.owner.stop()
    await bench.close()
  })
})
