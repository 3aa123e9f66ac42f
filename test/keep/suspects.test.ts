import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Repair } from '../../src/keep/repair.ts'
import { Suspects } from '../../src/keep/suspects.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { blobKey } from '../../src/store/paths.ts'
import { MemoryDriver } from '../support/memory-driver.ts'
import { Workbench } from './workbench.ts'

const ALPINE = 'library/alpine'
const APP = 'team/app'
const BLOBS = ['one', 'two', 'three'].map((each) => Buffer.from(each.repeat(100)))
const [ONE, TWO] = BLOBS.map((bytes) => digestOf(bytes)) as [Digest, Digest]

describe('suspects', () => {
  let bench: Workbench
  let disk: MemoryDriver
  let repair: Repair
  let suspects: Suspects

  beforeEach(async () => {
    disk = new MemoryDriver()
    bench = await Workbench.open({ wrapDriver: () => disk, local: ['team/**'] })
    const parts = {
      ...bench.store,
      repositories: bench.repositories,
      coordinator: bench.coordinator,
      metrics: bench.metrics,
      log: silentLogger,
      owner: { isAlone: async () => true },
      isBusy: () => false,
      sleep: async () => {},
    }
    repair = new Repair(parts)
    suspects = new Suspects({ ...parts, repair })
    for (const bytes of BLOBS) await bench.mirrorBlob(ALPINE, bytes)
    disk.calls.length = 0
  })
  afterEach(async () => {
    await suspects.stop()
    await bench.close()
  })

  const readsOf = (digest: Digest): number =>
    disk.calls.filter((call) => call === `open ${blobKey(digest)}`).length
  const rot = (digest: Digest): void => disk.put(blobKey(digest), 'rotten')

  it('are looked at, and go where they are wrong, also those that are told meanwhile', async () => {
    rot(ONE)
    rot(TWO)
    bench.store.blobs.suspect(ONE)
    disk.pause = async (operation, key) => {
      if (operation === 'open' && key === blobKey(ONE)) bench.store.blobs.suspect(TWO)
    }
    await suspects.settle()
    disk.pause = async () => {}
    assert.deepEqual(await Promise.all([ONE, TWO].map((each) => bench.store.blobs.stat(each))), [
      undefined,
      undefined,
    ])
  })

  it('are looked at anew when they are told again after the end', async () => {
    for (let i = 1; i <= 3; i += 1) {
      bench.store.blobs.suspect(ONE)
      await suspects.settle()
      assert.equal(readsOf(ONE), i)
    }
  })

  it('are blobs that a client comes for twice, once in some hours, and no others', async () => {
    suspects.noteGiven(ONE, '192.0.2.1')
    suspects.noteGiven(ONE, '192.0.2.2')
    suspects.noteGiven(TWO, '192.0.2.1')
    await suspects.settle()
    assert.deepEqual([readsOf(ONE), readsOf(TWO)], [0, 0])
    for (let i = 0; i < 5; i += 1) suspects.noteGiven(ONE, '192.0.2.1')
    await suspects.settle()
    assert.deepEqual([readsOf(ONE), readsOf(TWO)], [1, 0])
  })

  it('are known to be right or not at once, where a request must know', async () => {
    assert.equal(await suspects.isRight(ONE), true)
    rot(ONE)
    assert.equal(await suspects.isRight(ONE), false)
    disk.fail('open', 'io')
    assert.equal(await suspects.isRight(TWO), false, 'what cannot be looked at is not known to be right')
    disk.fail('open', undefined)
    assert.equal(await suspects.isRight(TWO), true, 'and is left as it is')
  })

  it('are had from a mirrored repository that has them too; that there is none is remembered', async () => {
    await bench.pushBlob(APP, BLOBS[0]!)
    assert.equal((await suspects.findElsewhere(ONE))?.name, ALPINE)
    const lone = await bench.pushBlob(APP, Buffer.from('lone'))
    assert.equal(await suspects.findElsewhere(lone), undefined)
    disk.calls.length = 0
    assert.equal(await suspects.findElsewhere(lone), undefined)
    assert.deepEqual(disk.calls, [])
  })

  it('wait no more once the server stops', async () => {
    await suspects.stop()
    rot(ONE)
    bench.store.blobs.suspect(ONE)
    await suspects.settle()
    assert.equal(readsOf(ONE), 0)
  })
})
