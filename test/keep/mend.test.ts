import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { mendWhenDue } from '../../src/keep/mend.ts'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import {
  blobFolder,
  blobKey,
  layerLinkKey,
  MENDED_KEY,
  revisionLinkKey,
  tagCurrentKey,
  tagFolder,
} from '../../src/store/paths.ts'
import { createStore } from '../../src/wiring/store.ts'
import { MemoryDriver } from '../support/memory-driver.ts'
import { imageOf, Workbench } from './workbench.ts'

const APP = 'team/app' as RepositoryName
const ALPINE = 'library/alpine' as RepositoryName
const V1 = 'v1' as Tag
const CONFIG = Buffer.from('{"config":1}')
const LAYER = Buffer.from('layer '.repeat(100))
const IMAGE = imageOf([CONFIG, LAYER])
const IMAGE_2 = imageOf([CONFIG])
const DAY_MS = 24 * 60 * 60 * 1000

const torn: readonly (readonly [string, string | undefined])[] = [
  ['empty', ''],
  ['full of zeros', '\0'.repeat(71)],
  ['cut short', 'sha256:0123'],
]

describe('torn links', () => {
  let bench: Workbench
  let disk: MemoryDriver
  let cutOffAtMs: number | undefined

  beforeEach(async () => {
    disk = new MemoryDriver()
    cutOffAtMs = undefined
    bench = await Workbench.open({ wrapDriver: () => disk, local: ['team/**'] })
  })
  afterEach(() => bench.close())

  /** As after a restart, long after the crash. */
  const mend = async (
    store = createStore(bench.root, silentLogger, { wrapDriver: () => disk }),
  ): Promise<void> => {
    bench.aheadMs += 60_000
    const parts = {
      ...store,
      repositories: bench.repositories,
      log: silentLogger,
      now: bench.now,
      owner: { isAlone: async () => bench.isAlone, cutOffAtMs: async () => cutOffAtMs },
      isBusy: () => false,
      sleep: async () => {},
    }
    await mendWhenDue(parts, new AbortController().signal)
  }
  const text = async (key: string): Promise<string | undefined> => (await disk.read(key))?.toString()

  for (const [what, bytes] of torn)
    it(`of a blob and a manifest that are ${what} are written again where the bytes are right`, async () => {
      const manifest = await bench.pushImage(APP, [CONFIG, LAYER], V1)
      const keys = [layerLinkKey(APP, digestOf(LAYER)), revisionLinkKey(APP, manifest)]
      for (const key of keys) disk.put(key, bytes ?? '')
      await mend()
      assert.deepEqual(await Promise.all(keys.map(text)), [digestOf(LAYER), manifest])
      assert.equal(await text(tagCurrentKey(APP, V1)), manifest)
    })

  it('go where there are no bytes, and stay where these are wrong', async () => {
    await bench.pushImage(APP, [CONFIG, LAYER], V1)
    const keys = [layerLinkKey(APP, digestOf(LAYER)), layerLinkKey(APP, digestOf(CONFIG))]
    for (const key of keys) disk.put(key, '')
    await disk.remove(blobFolder(digestOf(LAYER)))
    disk.put(blobKey(digestOf(CONFIG)), 'rotten')
    await mend()
    assert.deepEqual(await Promise.all(keys.map(text)), [undefined, ''])
  })

  it('are no links that are not there: what registry:2 deleted stays so, and its empty folder goes', async () => {
    await bench.close()
    bench = await Workbench.open({ local: ['team/**'] })
    const manifest = await bench.pushImage(APP, [CONFIG, LAYER], V1)
    const { links, driver } = bench.store
    for (const key of [layerLinkKey(APP, digestOf(LAYER)), revisionLinkKey(APP, manifest)])
      await driver.remove(key)
    await driver.remove(tagCurrentKey(APP, V1))
    assert.deepEqual([await links.listBlobs(APP), await links.listManifests(APP)].flat().length, 3)
    bench.aheadMs += DAY_MS
    await mend(createStore(bench.root, silentLogger))
    assert.deepEqual(await links.listBlobs(APP), [digestOf(CONFIG)])
    assert.deepEqual(await links.listManifests(APP), [])
  })

  it('are left to whoever may be writing them', async () => {
    await bench.pushBlob(APP, LAYER)
    disk.nowMs = Date.now()
    const key = layerLinkKey(APP, digestOf('under way'))
    disk.put(key, '')
    await mend()
    assert.equal(await text(key), '')
  })

  describe('of tags', () => {
    const tear = (name: RepositoryName): void => disk.put(tagCurrentKey(name, V1), '')

    it('are written again where there is one manifest that they ever pointed at', async () => {
      const manifest = await bench.pushImage(APP, [CONFIG, LAYER], V1)
      tear(APP)
      await mend()
      assert.equal(await text(tagCurrentKey(APP, V1)), manifest)
    })

    it('are left alone where there are several: nobody is given an old image in silence', async () => {
      await bench.pushImage(APP, [CONFIG, LAYER], V1)
      await bench.pushManifest(APP, IMAGE_2, V1)
      tear(APP)
      await mend()
      assert.equal(await text(tagCurrentKey(APP, V1)), '')
    })

    it('go where none of what they pointed at is here', async () => {
      const manifest = await bench.pushImage(APP, [CONFIG, LAYER], V1)
      await disk.remove(revisionLinkKey(APP, manifest))
      tear(APP)
      await mend()
      assert.deepEqual(await disk.list(tagFolder(APP, V1)), [])
    })

    it('of a mirrored repository point at what its upstream said last', async () => {
      await bench.mirrorManifest(ALPINE, IMAGE, V1)
      const last: Digest = await bench.mirrorManifest(ALPINE, IMAGE_2, V1)
      tear(ALPINE)
      await mend()
      assert.equal(await text(tagCurrentKey(ALPINE, V1)), last)
    })
  })

  it('are looked for once, after a power cut, and a month later', async () => {
    await bench.pushBlob(APP, LAYER)
    const key = layerLinkKey(APP, digestOf(LAYER))
    const isMended = async (): Promise<boolean> => {
      disk.put(key, '')
      await mend()
      return (await text(key)) === digestOf(LAYER)
    }
    assert.equal(await isMended(), true, 'a volume that nobody has looked at')
    assert.equal(await isMended(), false)
    cutOffAtMs = bench.now() + 1
    assert.equal(await isMended(), true)
    cutOffAtMs = undefined
    assert.equal(await isMended(), false)
    bench.aheadMs += 31 * DAY_MS
    assert.equal(await isMended(), true)
    disk.put(MENDED_KEY, 'torn')
    assert.equal(await isMended(), true)
  })

  it('are nobody’s to mend while another process works on the volume', async () => {
    await bench.pushBlob(APP, LAYER)
    bench.isAlone = false
    await assert.rejects(mend(), VolumeSharedError)
    assert.equal(await text(MENDED_KEY), undefined)
  })
})
