/** Stored bytes that are not what they were: no client gets them whole, and the store mends itself. */
import assert from 'node:assert/strict'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { blobKey, QUARANTINE_PREFIX } from '../../src/store/paths.ts'
import { openAdmin } from '../support/admin.ts'
import { BadSectors } from '../support/bad-sectors.ts'
import { seededBytes } from '../support/bytes.ts'
import { type Answer, listFolder, makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeManifest, type TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const NAME = 'library/alpine'
const SIZE = 3_000_000
const LAYER = seededBytes(SIZE)

type Document = { readonly mediaType: string; readonly layers: readonly object[] }

describe('a stored blob that is rotten', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let root: string
  let disk: BadSectors
  let image: TestImage
  let layer: Digest
  let config: Digest

  beforeEach(async () => {
    hub = await startScriptedUpstream()
    image = hub.addImage(NAME, 'latest', { layers: [LAYER] })
    layer = image.layers[0]!.digest
    config = image.config.digest
    disk = new BadSectors()
    root = await makeFolder()
    await start()
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
    await rm(root, { recursive: true })
  })

  const start = async (): Promise<void> => {
    const local = { repositories: ['team/**'], push: 'anyone' }
    const config = { local, limits: { lasttry: '100ms' } }
    const wrapDriver = disk.under.bind(disk)
    entrepot = await startEntrepot({ upstream: hub, root, config, wrapDriver })
  }
  const pathOf = (digest: Digest): string => join(root, blobKey(digest))
  const getBlob = (digest: Digest, headers?: Record<string, string>, name = NAME): Promise<Answer> =>
    entrepot.get(`/v2/${name}/blobs/${digest}`, headers)
  const pushBlob = async (bytes: Buffer): Promise<number> => {
    const path = `/v2/team/app/blobs/uploads/?digest=${digestOf(bytes)}`
    return (await entrepot.ask('POST', path, {}, bytes)).status
  }
  const getManifest = (reference: string, name = NAME): Promise<Answer> =>
    entrepot.get(`/v2/${name}/manifests/${reference}`)
  /** Everything is stored, and nothing of the layer is in memory: it has not been read from the store yet. */
  const warm = async (): Promise<void> => {
    for (const digest of [config, layer]) await getBlob(digest)
    await entrepot.settle()
    await getManifest('latest')
    await entrepot.settle()
  }
  const isRightOnDisk = async (digest: Digest): Promise<boolean> => {
    const bytes = await readFile(pathOf(digest)).catch(() => Buffer.alloc(0))
    return digestOf(bytes) === digest
  }
  const rot = (kind: string): Promise<number> => entrepot.metric('entrepot_rotten_blobs_total', { kind })
  const repaired = (kind: string): Promise<number> =>
    entrepot.metric('entrepot_repaired_blobs_total', { kind })

  const spoilers: readonly (readonly [string, () => Promise<void>])[] = [
    ['is empty', () => truncate(pathOf(layer))],
    ['is shorter than its manifest says', () => truncate(pathOf(layer), 100_000)],
    ['is longer than its manifest says', () => writeFile(pathOf(layer), Buffer.concat([LAYER, LAYER]))],
    ['cannot be read', async () => disk.lose(blobKey(layer))],
    ['cannot be read from its middle on', async () => disk.lose(blobKey(layer), 1_000_000)],
    ['cannot be read from its last byte on', async () => disk.lose(blobKey(layer), SIZE - 1)],
  ]
  const cases = spoilers.flatMap(([what, spoil]) => [
    { what, spoil, isKnown: false },
    { what: `${what}, but for what of it is in memory`, spoil, isKnown: true },
  ])
  for (const { what, spoil, isKnown } of cases)
    it(`is had from the upstream in the middle of the request where its file ${what}`, async () => {
      await warm()
      if (isKnown) await getBlob(layer)
      await spoil()
      const answer = await getBlob(layer)
      assert.deepEqual([answer.status, answer.isCut], [200, false])
      assert.ok(answer.body.equals(LAYER))
      await entrepot.settle()
      assert.ok(await isRightOnDisk(layer), 'the store has mended itself')
      await hub.stop()
      assert.ok((await getBlob(layer)).body.equals(LAYER))
    })

  for (const isKnown of [false, true])
    it(`is had from the upstream where its file is gone${isKnown ? ', and stored for whoever comes next' : ''}`, async () => {
      await warm()
      if (isKnown) await getBlob(layer)
      await rm(pathOf(layer))
      assert.ok((await getBlob(layer)).body.equals(LAYER))
      // What of it was in memory was given first; that it is missing is no fault to mend, but perhaps somebody's wish.
      if (isKnown) assert.ok((await getBlob(layer)).body.equals(LAYER))
      await entrepot.settle()
      assert.ok(await isRightOnDisk(layer))
      await hub.stop()
      assert.ok((await getBlob(layer)).body.equals(LAYER))
    })

  it('gives a part of itself where only another part is lost, or from the upstream', async () => {
    await warm()
    disk.lose(blobKey(layer), 1_000_000)
    const before = await getBlob(layer, { Range: 'bytes=5-999' })
    assert.ok(before.body.equals(LAYER.subarray(5, 1000)))
    const across = await getBlob(layer, { Range: 'bytes=900000-1999999' })
    assert.ok(across.body.equals(LAYER.subarray(900_000, 2_000_000)))
    const after = await getBlob(layer, { Range: 'bytes=2000000-' })
    assert.ok(after.body.equals(LAYER.subarray(2_000_000)))
  })

  it('is replaced though its size is right, once its client finds it wrong and comes again', async () => {
    await warm()
    const wrong = Buffer.from(LAYER)
    wrong.writeUInt8(wrong.readUInt8(10) ^ 1, 10)
    await writeFile(pathOf(layer), wrong)
    for (let tries = 1; digestOf((await getBlob(layer)).body) !== layer; tries += 1) {
      assert.ok(tries <= 3, 'the store has not noticed')
      await entrepot.settle()
    }
    assert.deepEqual([await rot('mirrored'), await repaired('mirrored')], [1, 1])
  })

  it('is never given whole where what was sent of it was wrong as well', async () => {
    await warm()
    const wrong = Buffer.from(LAYER)
    wrong.writeUInt8(wrong.readUInt8(10) ^ 1, 10)
    await writeFile(pathOf(layer), wrong)
    disk.lose(blobKey(layer), 1_000_000)
    assert.ok((await getBlob(layer)).isCut)
    await entrepot.settle()
    assert.ok((await getBlob(layer)).body.equals(LAYER), 'and the next pull is right')
  })

  it('is cut where it breaks off and its upstream is gone, and had again when that is back', async () => {
    await warm()
    disk.lose(blobKey(layer), 1_000_000)
    await hub.stop()
    assert.ok((await getBlob(layer)).isCut)
    await entrepot.settle()
    assert.equal((await getBlob(layer)).status, 502)
    await hub.start()
    assert.ok((await getBlob(layer)).body.equals(LAYER))
  })

  it('is cut where the upstream has another size than was promised', async () => {
    await warm()
    disk.lose(blobKey(layer), 1_000_000)
    hub.fault('blob', { growBy: 10 })
    hub.fault('cdn', { growBy: 10 })
    const answer = await getBlob(layer)
    assert.ok(answer.isCut && answer.body.length < SIZE)
  })

  it('is fetched again where it is small and wrong', async () => {
    await warm()
    await entrepot.stop()
    await writeFile(pathOf(config), '{"rotten":true}')
    await start()
    assert.equal(digestOf((await getBlob(config)).body), config)
    await entrepot.settle()
    assert.ok(await isRightOnDisk(config))
  })

  it('is left alone where its manifest lies about its size', async () => {
    const { mediaType, ...honest } = JSON.parse(image.manifest.bytes.toString()) as Document
    const layers = honest.layers.map((each) => ({ ...each, size: SIZE + 1 }))
    hub.addManifest(NAME, 'lying', makeManifest({ ...honest, mediaType, layers }))
    await getManifest('lying')
    await getBlob(layer)
    await entrepot.settle()
    for (let i = 0; i < 3; i += 1) assert.ok((await getBlob(layer)).body.equals(LAYER))
    await entrepot.settle()
    assert.deepEqual([hub.counts.blob, await rot('mirrored')], [2, 0], 'the config and the layer, once each')
  })

  it('counts as what it was, and as repaired', async () => {
    await warm()
    disk.lose(blobKey(layer), 1_000_000)
    await getBlob(layer)
    await entrepot.settle()
    assert.deepEqual([await rot('mirrored'), await repaired('mirrored'), await rot('local')], [1, 1, 0])
    assert.equal(await entrepot.metric('entrepot_mended_reads_total'), 1)
    assert.deepEqual(await listFolder(root, QUARANTINE_PREFIX), [])
  })

  it('stops nothing where the whole disk is: what was pulled before is passed on from the upstream', async () => {
    await warm()
    const known = { lone: hub.addBlob(NAME, seededBytes(500_000, 'cold')).digest, layer }
    disk.die()
    assert.deepEqual((await getManifest('latest')).body, image.manifest.bytes)
    assert.deepEqual((await getManifest(image.manifest.digest)).body, image.manifest.bytes)
    for (const digest of Object.values(known)) {
      assert.equal((await entrepot.head(`/v2/${NAME}/blobs/${digest}`)).status, 200)
      const answer = await getBlob(digest)
      assert.deepEqual([answer.status, digestOf(answer.body)], [200, digest])
    }
    await entrepot.settle()
    disk.mend()
    assert.ok(await isRightOnDisk(layer), 'and what is on it is not touched')
  })

  it('is found by a scrub, which tells what it did, and nothing else is touched', async () => {
    await warm()
    assert.equal(await pushBlob(seededBytes(200_000, 'alone')), 201)
    const alone = digestOf(seededBytes(200_000, 'alone'))
    for (const digest of [layer, config, image.manifest.digest, alone]) await truncate(pathOf(digest), 50)
    hub.resetCounts()
    const admin = await openAdmin(entrepot)
    const { id } = await admin.call('startScrub')
    const job = async () => admin.call('job', { parameters: { id } })
    while ((await job()).state === 'running') await entrepot.settle()
    const { state, result } = await job()
    assert.equal(state, 'done')
    const { blobs, rottenMirrored, rottenLocal, repaired, left } = result as Record<string, number>
    assert.deepEqual([blobs, rottenMirrored, rottenLocal, repaired, left], [4, 3, 1, 3, 0])
    for (const digest of [layer, config, image.manifest.digest]) assert.ok(await isRightOnDisk(digest))
    assert.equal(hub.counts.blob, 2)
    assert.deepEqual(await listFolder(root, QUARANTINE_PREFIX), [alone.slice(7)])
    assert.equal(await entrepot.metric('entrepot_scrub_progress_ratio'), 1)
    assert.ok((await entrepot.metric('entrepot_scrub_last_run_timestamp_seconds')) > 0)
    assert.equal(await entrepot.metric('entrepot_scrubbed_blobs_total'), 4)
  })

  describe('in a manifest', () => {
    const spoilManifest: readonly (readonly [string, () => Promise<void>])[] = [
      ['is gone', () => rm(pathOf(image.manifest.digest))],
      ['was changed', () => writeFile(pathOf(image.manifest.digest), '{"schemaVersion":2}')],
      ['is empty', () => truncate(pathOf(image.manifest.digest))],
      ['is far too long', () => writeFile(pathOf(image.manifest.digest), Buffer.alloc(9_000_000))],
      ['cannot be read', async () => disk.lose(blobKey(image.manifest.digest))],
    ]
    for (const [what, spoil] of spoilManifest)
      for (const by of ['tag', 'digest'] as const)
        it(`is fetched again by ${by} where its file ${what}`, async () => {
          await warm()
          await entrepot.stop()
          await spoil()
          await start()
          const answer = await getManifest(by === 'tag' ? 'latest' : image.manifest.digest)
          assert.deepEqual(answer.body, image.manifest.bytes)
          await entrepot.settle()
          assert.ok(await isRightOnDisk(image.manifest.digest))
        })
  })

  describe('that was pushed', () => {
    const LOCAL = seededBytes(200_000, 'local')
    const digest = digestOf(LOCAL)

    const findings = async (): Promise<Record<string, string>> =>
      ((await entrepot.get(`${entrepot.debugUrl}/readyz`)).json() as { findings: Record<string, string> })
        .findings

    it('is put aside and told, never given whole, and healed by another push', async () => {
      assert.equal(await pushBlob(LOCAL), 201)
      disk.lose(blobKey(digest), 100_000)
      assert.ok((await getBlob(digest, {}, 'team/app')).isCut)
      await entrepot.settle()
      assert.equal((await getBlob(digest, {}, 'team/app')).status, 404)
      assert.deepEqual(await listFolder(root, QUARANTINE_PREFIX), [digest.slice(7)])
      assert.deepEqual([await rot('local'), await repaired('local')], [1, 0])
      assert.equal((await entrepot.head(`/v2/team/app/blobs/${digest}`)).status, 404, 'so it is pushed again')
      disk.mend()
      assert.equal(await pushBlob(LOCAL), 201)
      assert.ok((await getBlob(digest, {}, 'team/app')).body.equals(LOCAL))
    })

    it('is unwell until it is healed, and stands in nobody’s way', async () => {
      assert.equal(await pushBlob(LOCAL), 201)
      disk.lose(blobKey(digest), 100_000)
      await getBlob(digest, {}, 'team/app')
      await entrepot.settle()
      await entrepot.stop()
      await start()
      const health = await entrepot.get(`${entrepot.debugUrl}/readyz`)
      assert.equal(health.status, 200)
      assert.match(JSON.stringify(health.json()), new RegExp(`1 pushed blobs? .*${digest.slice(7, 19)}`))
      assert.equal(await entrepot.metric('entrepot_quarantined_blobs'), 1)
      assert.equal(await pushBlob(LOCAL), 201)
      await entrepot.stop()
      await start()
      assert.deepEqual(await findings(), {})
      assert.equal(await entrepot.metric('entrepot_quarantined_blobs'), 0)
    })

    it('is had from an upstream that has it too', async () => {
      await warm()
      assert.equal(await pushBlob(LAYER), 201)
      disk.lose(blobKey(layer), 100_000)
      assert.ok((await getBlob(layer, {}, 'team/app')).isCut)
      await entrepot.settle()
      assert.ok((await getBlob(layer, {}, 'team/app')).body.equals(LAYER))
      assert.deepEqual([await rot('local'), await repaired('local')], [1, 1])
      assert.deepEqual(await findings(), {})
    })

    it('is asked of that upstream when a client wants it, where it could not be replaced at once', async () => {
      await warm()
      assert.equal(await pushBlob(LAYER), 201)
      disk.lose(blobKey(layer), 100_000)
      await hub.stop()
      assert.ok((await getBlob(layer, {}, 'team/app')).isCut)
      await entrepot.settle()
      assert.equal((await getBlob(layer, {}, 'team/app')).status, 502)
      await hub.start()
      assert.ok((await getBlob(layer, {}, 'team/app')).body.equals(LAYER))
      await entrepot.settle()
      assert.ok(await isRightOnDisk(layer))
    })

    it('is a manifest like any other: had from an upstream that has it too, by tag and by digest', async () => {
      await warm()
      const { manifest } = image
      for (const bytes of [LAYER, (await getBlob(config)).body]) assert.equal(await pushBlob(bytes), 201)
      const headers = { 'Content-Type': manifest.mediaType }
      const put = await entrepot.ask('PUT', '/v2/team/app/manifests/v1', headers, manifest.bytes)
      assert.equal(put.status, 201)
      for (const reference of ['v1', manifest.digest]) {
        await entrepot.stop()
        await writeFile(pathOf(manifest.digest), '{"schemaVersion":2}')
        await start()
        const answer = await getManifest(reference, 'team/app')
        assert.deepEqual([answer.status, answer.body.toString()], [200, manifest.bytes.toString()])
        await entrepot.settle()
        assert.ok(await isRightOnDisk(manifest.digest))
      }
      assert.equal((await getManifest('v2', 'team/app')).status, 404)
    })

    it('opens nothing in a repository that does not have it', async () => {
      await warm()
      assert.equal((await getBlob(layer, {}, 'team/other')).status, 404)
      assert.deepEqual(await readdir(join(root, 'docker/registry/v2/repositories')), ['library'])
    })
  })
})
