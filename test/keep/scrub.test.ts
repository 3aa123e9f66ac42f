import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Quarantine } from '../../src/keep/quarantine.ts'
import { Repair } from '../../src/keep/repair.ts'
import { Scrub, type ScrubOptions } from '../../src/keep/scrub.ts'
import type { ScrubProgress } from '../../src/keep/scrub-run.ts'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { blobFolder, blobKey, QUARANTINE_PREFIX, SCRUB_KEY } from '../../src/store/paths.ts'
import type { Store } from '../../src/wiring/store.ts'
import { BadSectors } from '../support/bad-sectors.ts'
import fc from '../support/fast-check.ts'
import { imageOf, Workbench } from './workbench.ts'

const ALPINE = 'library/alpine'
const APP = 'team/app'
const CONFIG = Buffer.from('{"config":1}')
const LAYERS = Array.from({ length: 8 }, (_, i) => Buffer.from(`layer ${i} `.repeat(1000 + i)))
const DAY_MS = 24 * 60 * 60 * 1000

describe('a scrub', () => {
  let bench: Workbench
  let store: Store
  let disk: BadSectors
  let repair: Repair
  let scrub: Scrub
  let refetched: string[]
  let slept: number[]
  /** What the upstream has. */
  let upstream: Map<Digest, Buffer>

  beforeEach(async () => {
    disk = new BadSectors()
    bench = await Workbench.open({ wrapDriver: (driver) => disk.under(driver), local: ['team/**'] })
    store = bench.store
    refetched = []
    slept = []
    upstream = new Map()
    scrub = createScrub()
  })
  afterEach(() => bench.close())

  const createScrub = (options: Partial<ScrubOptions> = {}): Scrub => {
    const parts = {
      ...bench.store,
      repositories: bench.repositories,
      metrics: bench.metrics,
      now: bench.now,
      log: silentLogger,
      owner: { isAlone: async () => bench.isAlone },
      sleep: async (ms: number) => {
        slept.push(ms)
      },
    }
    repair = new Repair(parts)
    repair.fetchWith(async ({ name }, digest, isManifest) => {
      refetched.push(`${name} ${isManifest ? 'manifest' : 'blob'} ${digest}`)
      const bytes = upstream.get(digest)
      if (bytes === undefined) return false
      await bench.mirrorBlob(name, bytes)
      return true
    })
    const quarantine = new Quarantine(parts)
    return new Scrub({ ...parts, repair, quarantine, rateBytes: 10e6, isBusy: () => false, ...options })
  }
  const spoil = async (bytes: Buffer): Promise<Digest> => {
    const wrong = Buffer.from(bytes)
    wrong.writeUInt8(wrong.readUInt8(3) ^ 4, 3)
    await store.driver.write(blobKey(digestOf(bytes)), wrong)
    return digestOf(bytes)
  }
  const mirrorAll = async (): Promise<void> => {
    for (const layer of LAYERS) await bench.mirrorBlob(ALPINE, layer)
  }
  const quarantined = (): Promise<string[]> => store.driver.list(QUARANTINE_PREFIX)

  it('finds nothing wrong where nothing is, and leaves all of it', async () => {
    await mirrorAll()
    await bench.pushImage(APP, [CONFIG, LAYERS[0]!], 'v1')
    const before = await bench.listBytes()
    const { blobs, bytes, rottenLocal, rottenMirrored, left } = await scrub.run()
    assert.deepEqual([blobs, rottenLocal, rottenMirrored, left], [before.length, 0, 0, 0])
    assert.ok(bytes > LAYERS.length * 1000)
    assert.deepEqual(await bench.listBytes(), before)
    assert.deepEqual(refetched, [])
  })

  it('drops a mirrored blob that is rotten, and fetches it again at once', async () => {
    await mirrorAll()
    const digest = await spoil(LAYERS[2]!)
    upstream.set(digest, LAYERS[2]!)
    const report = await scrub.run()
    assert.deepEqual([report.rottenMirrored, report.repaired, report.rottenLocal], [1, 1, 0])
    assert.deepEqual(refetched, [`${ALPINE} blob ${digest}`])
    assert.equal(digestOf((await store.blobs.read(digest))!), digest)
    assert.deepEqual(await quarantined(), [])
  })

  it('drops it also where the upstream has it no longer: the next pull is told so', async () => {
    await mirrorAll()
    const digest = await spoil(LAYERS[2]!)
    const report = await scrub.run()
    assert.deepEqual([report.rottenMirrored, report.repaired], [1, 0])
    assert.equal(await store.blobs.stat(digest), undefined)
  })

  it('has a manifest fetched as one', async () => {
    const bytes = imageOf([CONFIG, LAYERS[0]!])
    const digest = await bench.mirrorManifest(ALPINE, bytes, 'latest')
    await spoil(bytes)
    await scrub.run()
    assert.deepEqual(refetched, [`${ALPINE} manifest ${digest}`])
  })

  it('puts aside what was pushed, where nobody else has it', async () => {
    await bench.pushImage(APP, [CONFIG, LAYERS[0]!], 'v1')
    const digest = await spoil(LAYERS[0]!)
    const report = await scrub.run()
    assert.deepEqual([report.rottenLocal, report.rottenMirrored, report.repaired], [1, 0, 0])
    assert.deepEqual(await quarantined(), [digest.slice(7)])
    assert.equal(await store.blobs.stat(digest), undefined)
    assert.deepEqual(refetched, [])
  })

  it('has what was pushed and is mirrored too fetched from there, and forgets the wrong bytes', async () => {
    await bench.pushBlob(APP, LAYERS[0]!)
    await bench.mirrorBlob(ALPINE, LAYERS[0]!)
    const digest = await spoil(LAYERS[0]!)
    upstream.set(digest, LAYERS[0]!)
    const report = await scrub.run()
    assert.deepEqual([report.rottenLocal, report.repaired], [1, 1])
    assert.ok(await bench.hasBlob(APP, digest))
    assert.deepEqual(await quarantined(), [])
  })

  it('puts back what was put aside and can be read rightly again', async () => {
    const digest = await bench.pushBlob(APP, LAYERS[0]!)
    disk.lose(blobKey(digest))
    assert.equal((await scrub.run()).rottenLocal, 1)
    assert.equal(await bench.hasBlob(APP, digest), false)
    disk.mend()
    await scrub.run()
    assert.ok(await bench.hasBlob(APP, digest))
    assert.deepEqual(await quarantined(), [])
  })

  it('leaves a blob alone that could not be read once', async () => {
    const digest = await bench.pushBlob(APP, LAYERS[0]!)
    disk.lose(blobKey(digest), 10)
    const again = new Repair({
      ...bench.store,
      repositories: bench.repositories,
      metrics: bench.metrics,
      log: silentLogger,
      owner: { isAlone: async () => true },
      sleep: async () => disk.mend(),
    })
    assert.equal((await again.examine(digest)).kind, 'right')
    assert.ok(await bench.hasBlob(APP, digest))
  })

  it('moves nothing any more where one blob after the other cannot be read', async () => {
    for (const layer of LAYERS) disk.lose(blobKey(await bench.pushBlob(APP, layer)))
    const { rottenLocal, left } = await scrub.run()
    assert.deepEqual([rottenLocal, left], [5, 3])
  })

  it('leaves what is held by a push, and what came in its place meanwhile', async () => {
    const digest = await bench.pushBlob(APP, LAYERS[0]!)
    await spoil(LAYERS[0]!)
    await store.leases.during([digest], async () => {
      assert.equal((await scrub.run()).left, 1)
    })
    scrub = createScrub()
    const seen = (await store.driver.stat(blobKey(digest)))!
    await bench.mirrorBlob(ALPINE, LAYERS[0]!)
    assert.equal(await store.blobs.discard(digest, seen, 'drop'), false)
    assert.ok(await bench.hasBlob(APP, digest))
  })

  it('removes nothing and does not begin while another process works on the volume', async () => {
    await mirrorAll()
    await spoil(LAYERS[1]!)
    bench.isAlone = false
    await assert.rejects(scrub.run(), VolumeSharedError)
    assert.equal((await bench.listBytes()).length, LAYERS.length)
  })

  it('passes over folders without a blob', async () => {
    await mirrorAll()
    await store.driver.removeLazily(blobKey(digestOf(LAYERS[0]!)))
    await store.driver.write(`${blobFolder(digestOf('half'))}/other`, '')
    assert.equal((await scrub.run()).blobs, LAYERS.length - 1)
  })

  it('tells how far it has come', async () => {
    await mirrorAll()
    const told: ScrubProgress[] = []
    await scrub.run({ onProgress: (progress) => told.push(progress) })
    assert.deepEqual(
      told.map(({ blobs }) => blobs),
      LAYERS.map((_, i) => i + 1),
    )
    const fractions = told.map(({ fraction }) => fraction)
    assert.deepEqual(
      fractions,
      fractions.toSorted((a, b) => a - b),
    )
    assert.ok(fractions.every((each) => each >= 0 && each <= 1))
    assert.equal(scrub.progress, undefined, 'and when it has ended there is none')
  })

  it('goes on after a restart where it was', async () => {
    await mirrorAll()
    const stop = new AbortController()
    let count = 0
    const onBlob = (): boolean => {
      count += 1
      if (count > 12) stop.abort(new Error('the server stops'))
      return false
    }
    scrub = createScrub({ isBusy: onBlob })
    await assert.rejects(scrub.tick(stop.signal), /the server stops/)
    const again = createScrub()
    await again.load()
    await again.tick(new AbortController().signal)
    assert.equal(again.last?.blobs, LAYERS.length, 'each once')
    const third = createScrub()
    await third.load()
    assert.deepEqual(third.last, again.last)
    assert.deepEqual(
      (await bench.metrics.scrubLastRun.get()).values.map(({ value }) => value),
      [again.last!.endedAtMs / 1000],
    )
  })

  it('begins a week after the last one began, and not at all where its rate is 0', async () => {
    await mirrorAll()
    const { signal } = new AbortController()
    await createScrub({ rateBytes: 0 }).tick(signal)
    assert.equal(await store.driver.read(SCRUB_KEY), undefined)
    await scrub.tick(signal)
    const { endedAtMs } = scrub.last!
    bench.aheadMs += 6 * DAY_MS
    await scrub.tick(signal)
    assert.equal(scrub.last?.endedAtMs, endedAtMs)
    bench.aheadMs += DAY_MS
    await scrub.tick(signal)
    assert.ok(scrub.last!.endedAtMs > endedAtMs)
  })

  it('begins anew where what was kept of it cannot be understood', async () => {
    await mirrorAll()
    await store.driver.write(SCRUB_KEY, '{"pass":{"position":"../../etc"},"last":3}')
    scrub = createScrub()
    await scrub.tick(new AbortController().signal)
    assert.equal(scrub.last?.blobs, LAYERS.length)
  })

  it('on demand takes the place of the one in the background', async () => {
    await mirrorAll()
    let isBegun = (): void => {}
    const begun = new Promise<void>((resolve) => {
      isBegun = resolve
    })
    const waits = (_: number, signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => {
        isBegun()
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    scrub = createScrub({ rateBytes: 1, sleep: waits })
    const background = scrub.tick(new AbortController().signal)
    await begun
    const report = await scrub.run()
    assert.equal(report.blobs, LAYERS.length)
    await background
    assert.equal(scrub.last, report)
  })

  it('never takes what is right, whatever else is wrong', async () => {
    const kind = fc.constantFrom('right', 'changed', 'cut', 'empty', 'unreadable', 'gone')
    const where = fc.constantFrom('mirrored', 'pushed', 'both', 'nowhere')
    const blob = fc.record({ kind, where, size: fc.integer({ min: 4, max: 200_000 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(blob, { maxLength: 8 }), async (blobs) => {
        await bench.close()
        disk.mend()
        bench = await Workbench.open({ wrapDriver: (driver) => disk.under(driver), local: ['team/**'] })
        store = bench.store
        scrub = createScrub()
        const right: Digest[] = []
        const rottenLocal: Digest[] = []
        for (const [i, { kind: how, where: place, size }] of blobs.entries()) {
          const bytes = Buffer.alloc(size, `blob ${i} `)
          const digest = digestOf(bytes)
          if (place === 'mirrored' || place === 'both') await bench.mirrorBlob(ALPINE, bytes)
          if (place === 'pushed' || place === 'both') await bench.pushBlob(APP, bytes)
          if (place === 'nowhere') await store.blobs.write(digest, bytes)
          if (how === 'right') right.push(digest)
          else if (how !== 'gone' && (place === 'pushed' || place === 'both')) rottenLocal.push(digest)
          if (how === 'changed') await spoil(bytes)
          if (how === 'cut') await store.driver.write(blobKey(digest), bytes.subarray(0, size - 1))
          if (how === 'empty') await store.driver.write(blobKey(digest), '')
          if (how === 'unreadable') disk.lose(blobKey(digest), size >> 1)
          if (how === 'gone') await store.driver.remove(blobKey(digest))
        }
        await scrub.run()
        const listed = new Set(await bench.listBytes())
        for (const digest of right)
          assert.ok(digestOf((await store.driver.read(blobKey(digest))) ?? '') === digest)
        const aside = new Set((await quarantined()).map((hex) => `sha256:${hex}`))
        for (const digest of rottenLocal)
          assert.ok(aside.has(digest) || listed.has(digest), 'nothing that was pushed is destroyed')
      }),
      { numRuns: 40 },
    )
  })
})
