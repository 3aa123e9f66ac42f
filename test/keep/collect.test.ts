import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import { blobKey, layerLinkKey, quarantineFolder, revisionLinkKey } from '../../src/store/paths.ts'
import { imageOf, indexOf, subjectOf, Workbench } from './workbench.ts'

const HOUR_MS = 3_600_000
const APP = 'team/app' as RepositoryName
const CONFIG = Buffer.from('{"config":1}')
const LAYER = Buffer.from('a layer')
const OTHER = Buffer.from('another layer')
const IMAGE = imageOf([CONFIG, LAYER])

describe('the garbage collection', () => {
  let bench: Workbench

  beforeEach(async () => {
    bench = await Workbench.open()
  })
  afterEach(() => bench.close())

  const deleteManifest = (name: string, digest: Digest) =>
    bench.deletes.deleteManifest(bench.local(name), digest)
  /** Writes into the store as another program would. */
  const writeKey = async (key: string, text: string | Buffer): Promise<void> => {
    await mkdir(join(bench.root, dirname(key)), { recursive: true })
    await writeFile(join(bench.root, key), text)
  }

  it('frees an image that was deleted, once its blobs are of no interest to a push any more', async () => {
    const digest = await bench.pushImage(APP, [CONFIG, LAYER], 'v1')
    await deleteManifest(APP, digest)
    const early = await bench.collect()
    assert.deepEqual([early.links, early.blobs], [0, 0])
    assert.ok(early.waiting > 0)
    bench.aheadMs += 7 * HOUR_MS
    const report = await bench.collect()
    assert.deepEqual([report.links, report.blobs, report.waiting], [2, 3, 0])
    assert.equal(report.bytes, CONFIG.length + LAYER.length + IMAGE.length)
    assert.deepEqual(await bench.listBytes(), [])
    assert.equal(await bench.hasBlob(APP, digestOf(LAYER)), false)
  })

  it('tells in a dry run what it would free, and frees nothing', async () => {
    await bench.pushImage(APP, [CONFIG, OTHER], 'kept')
    const digest = await bench.pushImage(APP, [CONFIG, LAYER], 'v1')
    await deleteManifest(APP, digest)
    const before = await bench.listBytes()
    const dry = await bench.collect({ isDryRun: true, graceMs: 0 })
    assert.deepEqual(await bench.listBytes(), before)
    assert.ok(await bench.hasBlob(APP, digestOf(LAYER)))
    const wet = await bench.collect({ graceMs: 0 })
    const figures = ({ manifests, links, blobs, bytes }: typeof dry) => [manifests, links, blobs, bytes]
    assert.deepEqual(figures(dry), figures(wet))
    assert.deepEqual(dry.garbage, wet.garbage)
    assert.deepEqual(wet.garbage.map((each) => each.digest).sort(), [digest, digestOf(LAYER)].sort())
  })

  it('keeps everything that a manifest of the same or of another repository names', async () => {
    await bench.pushImage(APP, [CONFIG, LAYER], 'v1')
    await bench.pushImage('other', [CONFIG, LAYER, OTHER], 'v1')
    await deleteManifest(APP, digestOf(IMAGE))
    const before = await bench.listBytes()
    await bench.collect({ graceMs: 0 })
    assert.deepEqual(
      await bench.listBytes(),
      before.filter((each) => each !== digestOf(IMAGE)),
    )
    assert.equal(await bench.hasBlob(APP, digestOf(LAYER)), false)
    for (const bytes of [CONFIG, LAYER, OTHER]) assert.ok(await bench.hasBlob('other', digestOf(bytes)))
  })

  it('keeps untagged manifests unless it is told otherwise, and then what a tag reaches', async () => {
    const child = imageOf([CONFIG, LAYER], { annotations: { child: 'yes' } })
    const signature = imageOf([CONFIG, OTHER], subjectOf(child))
    for (const bytes of [CONFIG, LAYER, OTHER]) await bench.pushBlob(APP, bytes)
    for (const bytes of [child, signature, IMAGE]) await bench.pushManifest(APP, bytes)
    await bench.pushManifest(APP, indexOf([child]), 'index')
    await bench.collect({ graceMs: 0 })
    assert.ok(await bench.hasManifest(APP, digestOf(IMAGE)))
    const report = await bench.collect({ graceMs: 0, dropsUntagged: true })
    assert.deepEqual([report.manifests, report.blobs], [1, 1])
    assert.equal(await bench.hasManifest(APP, digestOf(IMAGE)), false)
    for (const bytes of [child, signature]) assert.ok(await bench.hasManifest(APP, digestOf(bytes)))
    await bench.deletes.deleteTag(bench.local(APP), 'index' as Tag)
    await bench.collect({ graceMs: 0, dropsUntagged: true })
    assert.deepEqual(await bench.listBytes(), [])
  })

  it('keeps an untagged manifest that has just come: its index may be under way', async () => {
    await bench.pushImage(APP, [CONFIG, LAYER])
    const report = await bench.collect({ dropsUntagged: true })
    assert.equal(report.manifests, 0)
  })

  it('keeps a blob that was just asked for, mounted, or pushed again, however old it is', async () => {
    for (const name of [APP, 'asked', 'pushed']) await bench.pushBlob(name, LAYER)
    bench.aheadMs += 7 * HOUR_MS
    await bench.store.leases.renew(digestOf(LAYER))
    assert.equal((await bench.collect()).links, 0)
    bench.aheadMs += 7 * HOUR_MS
    assert.ok(await bench.mount('target', digestOf(LAYER), APP))
    assert.equal((await bench.collect()).links, 0)
    bench.aheadMs += 7 * HOUR_MS
    await bench.pushBlob(APP, LAYER)
    assert.equal((await bench.collect()).links, 0)
    bench.aheadMs += 7 * HOUR_MS
    assert.equal((await bench.collect()).links, 4)
  })

  it('remembers over a restart who asked for what', async () => {
    await bench.pushBlob(APP, LAYER)
    bench.aheadMs += 7 * HOUR_MS
    await bench.store.leases.renew(digestOf(LAYER))
    await bench.store.uses.stop()
    const again = await Workbench.open({ root: bench.root })
    again.aheadMs = bench.aheadMs + 5 * HOUR_MS
    assert.equal((await again.collect()).links, 0)
    await again.store.owner.stop()
  })

  it('keeps blobs without a manifest for ever where that is wished', async () => {
    const other = await Workbench.open({ root: bench.root, keepUnnamedMs: 0 })
    await other.pushBlob(APP, LAYER)
    other.aheadMs += 1000 * HOUR_MS
    assert.equal((await other.collect()).links, 0)
    await other.store.owner.stop()
  })

  it('keeps both names of a blob that a manifest names by one', async () => {
    const sha512 = digestOf(LAYER, 'sha512')
    await bench.pushBlob(APP, LAYER, sha512)
    await bench.pushBlob(APP, CONFIG)
    const manifest = imageOf([CONFIG])
    const named = Buffer.from(
      manifest
        .toString()
        .replace('"layers": []', `"layers": [{"mediaType":"x/y","digest":"${sha512}","size":7}]`),
    )
    const digest = await bench.pushManifest(APP, named, 'v1')
    assert.equal((await bench.collect({ graceMs: 0 })).links, 0)
    assert.ok(await bench.hasBlob(APP, sha512))
    await deleteManifest(APP, digest)
    await bench.collect({ graceMs: 0 })
    assert.deepEqual(await bench.listBytes(), [])
    assert.equal(await bench.hasBlob(APP, sha512), false)
  })

  it('leaves mirrored repositories as they are, and takes bytes that no repository has', async () => {
    await bench.mirrorBlob('library/alpine', LAYER)
    await writeKey(blobKey(digestOf(OTHER)), OTHER)
    assert.equal((await bench.collect()).blobs, 0, 'what has just come may be about to be linked')
    bench.aheadMs += 7 * HOUR_MS
    assert.equal((await bench.collect()).blobs, 1)
    assert.deepEqual(await bench.listBytes(), [digestOf(LAYER)])
    assert.ok(await bench.hasBlob('library/alpine', digestOf(LAYER)))
  })

  it('takes nothing from a repository that nobody has claimed', async () => {
    await writeKey(blobKey(digestOf(LAYER)), LAYER)
    await writeKey(layerLinkKey('old' as RepositoryName, digestOf(LAYER)), digestOf(LAYER))
    await bench.collect({ graceMs: 0 })
    assert.ok(await bench.hasBlob('old', digestOf(LAYER)))
  })

  it('takes what nothing names from a repository of docker-registry, where there is no upstream', async () => {
    const plain = await Workbench.open({ root: bench.root, hasUpstream: false })
    await writeKey(blobKey(digestOf(LAYER)), LAYER)
    await writeKey(layerLinkKey('old' as RepositoryName, digestOf(LAYER)), digestOf(LAYER))
    await plain.collect({ graceMs: 0 })
    assert.deepEqual(await plain.listBytes(), [])
    await plain.store.owner.stop()
  })

  it('overlooks no link, whatever the folder is called, and of whatever algorithm it is', async () => {
    for (const bytes of [CONFIG, LAYER, OTHER]) await writeKey(blobKey(digestOf(bytes)), bytes)
    await writeKey(layerLinkKey('Odd Name' as RepositoryName, digestOf(LAYER)), digestOf(LAYER))
    const prefix = 'docker/registry/v2/repositories/old'
    await writeKey(`${prefix}/_layers/tarsum.v1/sha256/0123/link`, digestOf(OTHER))
    await writeKey(revisionLinkKey('old' as RepositoryName, digestOf('m')), digestOf('m'))
    const signatures = `${prefix}/_manifests/revisions/sha256/${digestOf('m').slice(7)}/signatures/sha256`
    await writeKey(`${signatures}/${digestOf(CONFIG).slice(7)}/link`, digestOf(CONFIG))
    const report = await bench.collect({ graceMs: 0 })
    assert.equal(report.blobs, 0)
  })

  for (const [what, spoil] of [
    ['cannot be understood', (key: string) => writeKey(key, '{"schemaVersion":7}')],
    [
      'was put aside',
      async () => {
        await writeKey(`${quarantineFolder(digestOf(IMAGE))}/data`, 'rotten')
        const seen = await bench.store.driver.stat(blobKey(digestOf(IMAGE)))
        assert.ok(await bench.store.blobs.discard(digestOf(IMAGE), seen!, 'quarantine'))
      },
    ],
  ] as const)
    it(`takes nothing from a repository of which a manifest ${what}`, async () => {
      await bench.pushImage(APP, [CONFIG, LAYER], 'v1')
      await bench.pushBlob(APP, OTHER)
      await spoil(blobKey(digestOf(IMAGE)))
      const report = await bench.collect({ graceMs: 0, dropsUntagged: true })
      assert.deepEqual([report.links, report.manifests], [0, 0])
      for (const bytes of [CONFIG, LAYER, OTHER]) assert.ok(await bench.hasBlob(APP, digestOf(bytes)))
    })

  it('removes nothing while another process works on the volume', async () => {
    await bench.pushBlob(APP, LAYER)
    bench.isAlone = false
    await assert.rejects(bench.collect({ graceMs: 0 }), VolumeSharedError)
    assert.ok(await bench.hasBlob(APP, digestOf(LAYER)))
  })

  it('puts bytes back where another process has come meanwhile', async () => {
    await writeKey(blobKey(digestOf(LAYER)), LAYER)
    const isRemoved = await bench.store.blobs.removeIf(digestOf(LAYER), async () => {
      assert.equal(await bench.store.blobs.stat(digestOf(LAYER)), undefined)
      return false
    })
    assert.equal(isRemoved, false)
    assert.equal(await bench.store.blobs.stat(digestOf(LAYER)), LAYER.length)
  })

  it('finds again what a crash left out of sight', async () => {
    await writeKey(blobKey(digestOf(LAYER)), LAYER)
    await bench.store.driver.move(
      blobKey(digestOf(LAYER)).slice(0, -5),
      `entrepot/trash/${digestOf(LAYER).slice(7)}`,
    )
    assert.deepEqual(await bench.listBytes(), [])
    await bench.store.blobs.restore()
    assert.deepEqual(await bench.listBytes(), [digestOf(LAYER)])
  })

  it('ends when it is told to', async () => {
    await bench.pushBlob(APP, LAYER)
    const reason = new Error('stop')
    await assert.rejects(bench.collect({ signal: AbortSignal.abort(reason) }), reason)
  })
})
