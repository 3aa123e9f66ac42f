import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { digestOf } from '../../src/protocol/digest.ts'
import { BlobStore } from '../../src/store/blobs.ts'
import { blobKey } from '../../src/store/paths.ts'
import { seededBytes } from '../support/bytes.ts'
import { MemoryDriver } from '../support/memory-driver.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const BYTES = seededBytes(300_000, 'blob')
const DIGEST = digestOf(BYTES)
const FIRST_READ = 64 * 1024

/** A store with the blob, which was read from its start once, and its disk, which has been asked nothing since. */
const makeRead = async (): Promise<{ blobs: BlobStore; driver: MemoryDriver }> => {
  const driver = new MemoryDriver()
  const blobs = new BlobStore(driver)
  await blobs.write(DIGEST, BYTES)
  const blob = (await blobs.open(DIGEST))!
  await blob.read(Buffer.alloc(FIRST_READ), 0, FIRST_READ)
  await blob.close()
  driver.calls.length = 0
  return { blobs, driver }
}

describe('a blob that was read not long ago', () => {
  it('gives its first bytes before its file is opened, once', async () => {
    const { blobs, driver } = await makeRead()
    let goOn = (): void => {}
    driver.pause = () => new Promise((resolve) => (goOn = resolve))
    const blob = (await blobs.open(DIGEST))!
    const buffer = Buffer.alloc(100)
    assert.equal(await blob.read(buffer, 0, 100), 100)
    assert.deepEqual(buffer, BYTES.subarray(0, 100))
    const later = blob.read(buffer, FIRST_READ, 100)
    assert.deepEqual(driver.calls, [])
    await nextTurn()
    goOn()
    assert.equal(await later, 100)
    assert.deepEqual(buffer, BYTES.subarray(FIRST_READ, FIRST_READ + 100))
    assert.deepEqual(driver.calls, [`open ${blobKey(DIGEST)}`])
    await blob.close()
  })

  for (const [what, readBytes] of [
    ['has read its beginning', FIRST_READ],
    ['has not begun to read it', 0],
  ] as const)
    it(`is read on by whoever ${what} when it is removed`, async () => {
      const { blobs } = await makeRead()
      const blob = (await blobs.open(DIGEST))!
      const buffer = Buffer.alloc(FIRST_READ)
      if (readBytes > 0) await blob.read(buffer, 0, readBytes)
      assert.equal(await blobs.removeIf(DIGEST, async () => true), true)
      assert.equal(await blob.read(buffer, 0, FIRST_READ), FIRST_READ)
      assert.equal(await blob.read(buffer, FIRST_READ, 100), 100)
      assert.deepEqual(buffer.subarray(0, 100), BYTES.subarray(FIRST_READ, FIRST_READ + 100))
      await blob.close()
    })

  it('breaks off after its first bytes where its file has another size now, and is not known any more', async () => {
    const { blobs, driver } = await makeRead()
    await driver.write(blobKey(DIGEST), BYTES.subarray(0, 200_000))
    const blob = (await blobs.open(DIGEST))!
    const buffer = Buffer.alloc(100)
    assert.equal(await blob.read(buffer, 0, 100), 100)
    await assert.rejects(blob.read(buffer, FIRST_READ, 100), { name: 'StorageError', kind: 'damaged' })
    await blob.close()
    assert.equal(await blobs.stat(DIGEST), 200_000)
  })

  it('opens nothing once it is closed', async () => {
    const { blobs, driver } = await makeRead()
    const blob = (await blobs.open(DIGEST))!
    await blob.close()
    await assert.rejects(blob.read(Buffer.alloc(100), FIRST_READ, 100), { name: 'StorageError' })
    assert.deepEqual(driver.calls, [])
  })

  it('is read whole, in pieces of any size', async () => {
    for (const size of [1000, FIRST_READ - 1, FIRST_READ, FIRST_READ + 1, BYTES.length]) {
      const { blobs } = await makeRead()
      const blob = (await blobs.open(DIGEST))!
      const pieces: Buffer[] = []
      for (let position = 0; position < BYTES.length; ) {
        const piece = Buffer.alloc(size)
        const count = await blob.read(piece, position, size)
        pieces.push(piece.subarray(0, count))
        position += count
      }
      assert.equal(await blob.read(Buffer.alloc(10), BYTES.length, 10), 0)
      await blob.close()
      assert.deepEqual(Buffer.concat(pieces), BYTES)
    }
  })

  it('is known with its size', async () => {
    const { blobs, driver } = await makeRead()
    assert.equal(await blobs.stat(DIGEST), BYTES.length)
    assert.deepEqual(driver.calls, [])
  })

  it('is gone at once where it was removed here', async () => {
    const { blobs } = await makeRead()
    await blobs.removeIf(DIGEST, async () => true)
    assert.equal(await blobs.open(DIGEST), undefined)
    assert.equal(await blobs.stat(DIGEST), undefined)
  })

  it('breaks off where another process has removed it, and is gone then', async () => {
    const { blobs, driver } = await makeRead()
    await driver.remove(blobKey(DIGEST))
    const blob = (await blobs.open(DIGEST))!
    const buffer = Buffer.alloc(FIRST_READ)
    assert.equal(await blob.read(buffer, 0, FIRST_READ), FIRST_READ)
    await assert.rejects(blob.read(buffer, FIRST_READ, FIRST_READ), { name: 'StorageError' })
    await blob.close()
    assert.equal(await blobs.open(DIGEST), undefined)
  })

  it('is gone for all others as soon as one has opened it after another process has removed it', async () => {
    const { blobs, driver } = await makeRead()
    await driver.remove(blobKey(DIGEST))
    const blob = (await blobs.open(DIGEST))!
    await blob.read(Buffer.alloc(100), 0, 100)
    await nextTurn()
    await blob.close()
    assert.equal(await blobs.stat(DIGEST), undefined)
    assert.equal(await blobs.open(DIGEST), undefined)
  })

  it('is what it was replaced by, whoever has the old file open', async () => {
    const wrong = Buffer.alloc(BYTES.length, 'x')
    const { blobs, driver } = await makeRead()
    await driver.write(blobKey(DIGEST), wrong)
    const folder = await makeQuickFolder()
    const buffer = Buffer.alloc(FIRST_READ)
    await blobs.removeIf(DIGEST, async () => false)
    // One that is read before it is replaced, and one that is read after.
    const before = (await blobs.open(DIGEST))!
    const after = (await blobs.open(DIGEST))!
    await before.read(buffer, 0, FIRST_READ)
    assert.deepEqual(buffer, wrong.subarray(0, FIRST_READ))
    await writeFile(join(folder, 'file'), BYTES)
    await blobs.adopt(join(folder, 'file'), DIGEST)
    await after.read(buffer, 0, FIRST_READ)
    const blob = (await blobs.open(DIGEST))!
    await blob.read(buffer, 0, FIRST_READ)
    assert.deepEqual(buffer, BYTES.subarray(0, FIRST_READ))
    for (const each of [before, after, blob]) await each.close()
    await rm(folder, { recursive: true })
  })

  it('is not known by a part of its beginning', async () => {
    const driver = new MemoryDriver()
    const blobs = new BlobStore(driver)
    await blobs.write(DIGEST, BYTES)
    const part = (await blobs.open(DIGEST))!
    await part.read(Buffer.alloc(1), 0, 1)
    await part.close()
    driver.calls.length = 0
    assert.equal(await blobs.stat(DIGEST), BYTES.length)
    assert.deepEqual(driver.calls, [`stat ${blobKey(DIGEST)}`])
  })

  it('tells of a disk that fails when it is needed, and not before', async () => {
    const { blobs, driver } = await makeRead()
    driver.fail('open', 'damaged')
    const blob = (await blobs.open(DIGEST))!
    const buffer = Buffer.alloc(FIRST_READ)
    assert.equal(await blob.read(buffer, 0, FIRST_READ), FIRST_READ)
    await assert.rejects(blob.read(buffer, FIRST_READ, FIRST_READ), { kind: 'damaged' })
    await blob.close()
  })

  it('counts as open until it is closed, though nothing was read', async () => {
    const { blobs } = await makeRead()
    const blob = (await blobs.open(DIGEST))!
    assert.equal(blobs.isOpen(DIGEST), true)
    await blob.close()
    assert.equal(blobs.isOpen(DIGEST), false)
  })
})
