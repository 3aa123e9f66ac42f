import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { FilesystemDriver } from '../../src/store/drivers/filesystem.ts'
import { MirroredSize } from '../../src/store/mirrored-size.ts'
import { BUCKETS, bucketOf } from '../../src/store/paths.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const A = digestOf('a')
const B = digestOf('b')

describe('the size of what is mirrored', () => {
  let root: string
  let size: MirroredSize

  const start = async (): Promise<void> => {
    size = new MirroredSize(new FilesystemDriver(root), silentLogger)
    await size.start()
  }
  const countNothing = (): void => {
    for (const bucket of BUCKETS) size.setBucket(bucket, new Map())
  }
  const totals = (): number[] => [size.total(), size.total('hub'), size.total('quay')]

  beforeEach(async () => {
    root = await makeQuickFolder()
    await start()
  })
  afterEach(async () => {
    await size.stop()
    await rm(root, { recursive: true })
  })

  it('grows and shrinks with what comes and goes, by upstream', () => {
    size.add(A, 'hub', 100)
    size.add(B, 'quay', 30)
    size.add(A, undefined, 5)
    assert.deepEqual(totals(), [135, 100, 30])
    size.add(A, 'hub', -40)
    assert.deepEqual(totals(), [95, 60, 30])
  })

  it('is never less than nothing, in any bucket: what went may never have been counted', () => {
    size.add(A, 'hub', 100)
    size.add(B, 'hub', 30)
    size.add(A, 'hub', -1000)
    assert.deepEqual(totals(), [30, 30, 0])
  })

  it('is that of a count where a bucket was counted', () => {
    size.add(A, 'hub', 100)
    size.add(B, 'quay', 30)
    const bytesByUpstream = new Map([
      ['quay', 7],
      [undefined, 1],
    ])
    size.setBucket(bucketOf(A), bytesByUpstream)
    assert.deepEqual(totals(), [38, 0, 37])
    size.setBucket(bucketOf(A), bytesByUpstream)
    assert.deepEqual(totals(), [38, 0, 37])
  })

  it('has what is being stored in it, once', async () => {
    await size.during(A, 'hub', 100, async () => {
      assert.equal(size.isArriving(A), true)
      assert.deepEqual(totals(), [100, 100, 0])
      await size.during(A, 'hub', 100, async () => assert.equal(size.total(), 100))
    })
    assert.equal(size.isArriving(A), false)
    assert.deepEqual(totals(), [100, 100, 0])
  })

  it('has not in it what could not be stored', async () => {
    const error = new Error('the disk is full')
    await assert.rejects(
      size.during(A, 'hub', 100, () => Promise.reject(error)),
      error,
    )
    assert.deepEqual(totals(), [0, 0, 0])
  })

  it('is known when all has been counted, and not before', () => {
    size.add(A, 'hub', 100)
    assert.deepEqual([size.isKnown, size.isCertain], [false, false])
    countNothing()
    assert.deepEqual([size.isKnown, size.isCertain], [true, true])
    size.doubt()
    assert.deepEqual([size.isKnown, size.isCertain], [true, false])
  })

  it('outlives a restart', async () => {
    countNothing()
    size.add(A, 'hub', 100)
    size.add(B, 'quay', 30)
    size.add(A, undefined, 5)
    await size.stop()
    await start()
    assert.deepEqual([size.isKnown, size.isCertain], [true, true])
    assert.deepEqual(totals(), [135, 100, 30])
  })

  it('is not certain after a kill, since what was written last may not be true', async () => {
    countNothing()
    size.add(A, 'hub', 100)
    await size.stop()
    await start()
    const killed = size
    await start()
    assert.deepEqual([size.isKnown, size.isCertain, size.total()], [true, false, 100])
    await killed.stop()
  })

  it('is not known after a restart where it never was', async () => {
    size.add(A, 'hub', 100)
    await size.stop()
    await start()
    assert.deepEqual([size.isKnown, size.total()], [false, 0])
  })

  it('is, however much has come and gone, the sum of the buckets', () => {
    const buckets = new Map<string, number>()
    for (let i = 0; i < 2000; i += 1) {
      const digest = digestOf(`${i % 700}`)
      const bucket = bucketOf(digest)
      const bytes = ((i * 7919) % 1000) - 400
      if (i % 50 === 49) {
        size.setBucket(bucket, new Map([['hub', i]]))
        buckets.set(bucket, i)
      } else {
        size.add(digest, 'hub', bytes)
        buckets.set(bucket, Math.max(0, (buckets.get(bucket) ?? 0) + bytes))
      }
    }
    const sum = [...buckets.values()].reduce((total, bytes) => total + bytes, 0)
    assert.deepEqual(totals(), [sum, sum, 0])
  })
})
