import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import { imageOf, Workbench } from './workbench.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ALPINE = 'library/alpine' as RepositoryName
const LATEST = 'latest' as Tag
const CONFIG = Buffer.from('{"config":1}')
const LAYER = Buffer.from('a layer')
const OTHER = Buffer.from('another layer')
const IMAGE = imageOf([CONFIG, LAYER])

describe('mirrored content that nobody uses', () => {
  let bench: Workbench

  beforeEach(async () => {
    bench = await Workbench.open()
    for (const blob of [CONFIG, LAYER]) await bench.mirrorBlob(ALPINE, blob)
    await bench.mirrorManifest(ALPINE, IMAGE, LATEST)
  })
  afterEach(() => bench.close())

  const expireAndCollect = async (): Promise<void> => {
    await bench.expiry.run()
    await bench.collect()
  }
  const isThere = async (): Promise<boolean[]> => [
    await bench.hasManifest(ALPINE, digestOf(IMAGE)),
    await bench.hasBlob(ALPINE, digestOf(LAYER)),
    (await bench.store.links.readTag(ALPINE, LATEST)) !== undefined,
  ]

  it('goes when its time is over, with its tags, and its bytes with the next collection', async () => {
    bench.aheadMs += 6 * DAY_MS
    await expireAndCollect()
    assert.deepEqual(await isThere(), [true, true, true])
    bench.aheadMs += 2 * DAY_MS
    await expireAndCollect()
    assert.deepEqual(await isThere(), [false, false, false])
    assert.deepEqual(await bench.listBytes(), [])
    assert.deepEqual(await readdir(join(bench.root, 'docker/registry/v2')), ['blobs'])
    assert.equal((await bench.repositories.classify(ALPINE)).kind, 'mirrored')
  })

  it('stays as long as it is used', async () => {
    bench.aheadMs += 6 * DAY_MS
    for (const bytes of [IMAGE, CONFIG]) bench.store.uses.note(digestOf(bytes))
    bench.aheadMs += 2 * DAY_MS
    await expireAndCollect()
    assert.deepEqual(await isThere(), [true, false, true])
  })

  it('stays when it is pinned', async () => {
    await bench.store.pins.add(ALPINE, { kind: 'tag', tag: LATEST })
    bench.aheadMs += 100 * DAY_MS
    await expireAndCollect()
    assert.deepEqual(await isThere(), [true, true, true])
  })

  it('stays while its upstream could not replace it', async () => {
    bench.aheadMs += 100 * DAY_MS
    for (const isReachable of [false, undefined]) {
      bench.hub.isReachable = isReachable
      await expireAndCollect()
      assert.deepEqual(await isThere(), [true, true, true])
    }
    bench.hub.isReachable = true
    await expireAndCollect()
    assert.deepEqual(await isThere(), [false, false, false])
  })

  it('stays for ever with a ttl of 0, and goes by a ttl that was changed', async () => {
    bench.aheadMs += 100 * DAY_MS
    for (const [ttlMs, isKept] of [
      [0, true],
      [200 * DAY_MS, true],
      [HOUR_MS, false],
    ] as const) {
      const other = await Workbench.open({ root: bench.root, ttlMs })
      other.aheadMs = bench.aheadMs
      await other.expiry.run()
      assert.equal(await other.hasManifest(ALPINE, digestOf(IMAGE)), isKept)
      await other.store.owner.stop()
    }
  })

  it('does not take what a local repository has of it', async () => {
    await bench.pushBlob('team/app', LAYER)
    await bench.pushBlob('team/app', OTHER)
    await bench.pushManifest('team/app', imageOf([LAYER, OTHER]), 'v1')
    bench.aheadMs += 100 * DAY_MS
    await expireAndCollect()
    for (const bytes of [LAYER, OTHER]) assert.ok(await bench.hasBlob('team/app', digestOf(bytes)))
    assert.ok(await bench.hasManifest('team/app', digestOf(imageOf([LAYER, OTHER]))))
  })

  it('stays while another process works on the volume', async () => {
    bench.aheadMs += 100 * DAY_MS
    bench.isAlone = false
    await assert.rejects(bench.expiry.run(), VolumeSharedError)
  })
})
