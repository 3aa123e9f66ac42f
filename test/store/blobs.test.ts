import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { BlobStore } from '../../src/store/blobs.ts'
import type { StoredFile } from '../../src/store/driver.ts'
import { blobKey } from '../../src/store/paths.ts'
import { readWhole } from '../../src/store/read-whole.ts'
import { seededBytes } from '../support/bytes.ts'
import { MemoryDriver } from '../support/memory-driver.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const SMALL = seededBytes(1000, 'small')
const LARGE = seededBytes(200_000, 'large')

const readAll = async (file: StoredFile | undefined): Promise<Buffer | undefined> => {
  if (file === undefined) return undefined
  const bytes = await readWhole(file)
  assert.equal(await file.read(Buffer.alloc(1), bytes.length, 1), 0)
  await file.close()
  return bytes
}

describe('a blob', () => {
  for (const [what, bytes] of [
    ['small', SMALL],
    ['large', LARGE],
    ['empty', Buffer.alloc(0)],
  ] as const)
    it(`that is ${what} is had as it was given, again and again`, async () => {
      const blobs = new BlobStore(new MemoryDriver())
      const digest = digestOf(bytes)
      assert.equal(await blobs.stat(digest), undefined)
      assert.equal(await blobs.open(digest), undefined)
      await blobs.write(digest, bytes)
      for (let i = 0; i < 2; i += 1) {
        assert.equal(await blobs.stat(digest), bytes.length)
        const blob = await blobs.open(digest)
        assert.deepEqual([blob?.digest, blob?.sizeBytes], [digest, bytes.length])
        assert.deepEqual(await readAll(blob), bytes)
        assert.deepEqual(await blobs.read(digest), bytes)
      }
    })

  it('is taken over from a file', async () => {
    const folder = await makeQuickFolder()
    const driver = new MemoryDriver()
    const blobs = new BlobStore(driver)
    await writeFile(join(folder, 'file'), LARGE)
    await blobs.adopt(join(folder, 'file'), digestOf(LARGE))
    assert.deepEqual(await driver.read(blobKey(digestOf(LARGE))), LARGE)
    await rm(folder, { recursive: true })
  })

  it('is read at any offset, small or large', async () => {
    const blobs = new BlobStore(new MemoryDriver())
    for (const bytes of [SMALL, LARGE]) {
      await blobs.write(digestOf(bytes), bytes)
      const blob = (await blobs.open(digestOf(bytes)))!
      const buffer = Buffer.alloc(100)
      assert.equal(await blob.read(buffer, 900, 50), 50)
      assert.deepEqual(buffer.subarray(0, 50), bytes.subarray(900, 950))
      assert.equal(await blob.read(buffer, bytes.length, 50), 0)
      await blob.close()
    }
  })

  it('that is small costs the disk nothing the second time', async () => {
    const driver = new MemoryDriver()
    const blobs = new BlobStore(driver)
    await blobs.write(digestOf(SMALL), SMALL)
    await readAll(await blobs.open(digestOf(SMALL)))
    driver.calls.length = 0
    await readAll(await blobs.open(digestOf(SMALL)))
    assert.equal(await blobs.stat(digestOf(SMALL)), SMALL.length)
    assert.deepEqual(driver.calls, [])
  })

  it('is gone once it was removed, for whoever opens it then', async () => {
    for (const bytes of [SMALL, LARGE]) {
      const blobs = new BlobStore(new MemoryDriver())
      await blobs.write(digestOf(bytes), bytes)
      const before = await blobs.open(digestOf(bytes))
      assert.equal(await blobs.removeIf(digestOf(bytes), async () => true), true)
      assert.equal(await blobs.open(digestOf(bytes)), undefined)
      assert.equal(await blobs.stat(digestOf(bytes)), undefined)
      assert.deepEqual(await readAll(before), bytes)
    }
  })

  it('that was being read while it was removed is not remembered', async () => {
    const driver = new MemoryDriver()
    const blobs = new BlobStore(driver)
    const digest = digestOf(SMALL)
    await blobs.write(digest, SMALL)
    driver.pause = async (operation) => {
      driver.pause = async () => {}
      if (operation === 'open') await blobs.removeIf(digest, async () => true)
    }
    await readAll(await blobs.open(digest))
    assert.equal(await blobs.open(digest), undefined)
  })

  describe('whose bytes are not there, or not all', () => {
    const torn = {
      'of no bytes': Buffer.alloc(0),
      'cut off': SMALL.subarray(0, 500),
      wrong: LARGE.subarray(0, 1000),
    }
    for (const [what, bytes] of Object.entries(torn))
      it(`(${what}) is as good as none, and can be written again`, async () => {
        const driver = new MemoryDriver()
        const blobs = new BlobStore(driver)
        const digest = digestOf(SMALL)
        driver.put(blobKey(digest), bytes)
        assert.equal(await blobs.open(digest), undefined)
        if (bytes.length === 0) assert.equal(await blobs.stat(digest), undefined)
        await blobs.write(digest, SMALL)
        assert.deepEqual(await readAll(await blobs.open(digest)), SMALL)
      })

    it('are never made up by what was in memory', async () => {
      const driver = new MemoryDriver()
      const blobs = new BlobStore(driver)
      driver.put(blobKey(digestOf(SMALL)), SMALL)
      const open = driver.open.bind(driver)
      // Cut off between a look at its size and the read.
      driver.open = async (key) => {
        const file = await open(key)
        return file && { sizeBytes: file.sizeBytes, close: () => file.close(), read: async () => 0 }
      }
      assert.equal(await blobs.open(digestOf(SMALL)), undefined)
    })
  })

  it('that arrives twice at once is durable for both before they are told', async () => {
    const driver = new MemoryDriver()
    const blobs = new BlobStore(driver)
    const ended: string[] = []
    driver.pause = async (operation) => {
      if (operation !== 'write') return
      await new Promise((resolve) => setImmediate(resolve))
      ended.push('sync')
    }
    const write = async (): Promise<void> => {
      await blobs.write(digestOf(SMALL), SMALL)
      ended.push('told')
    }
    await Promise.all([write(), write()])
    assert.deepEqual(ended, ['sync', 'told', 'told'])
  })

  it('that could not be written can be written later', async () => {
    const driver = new MemoryDriver()
    const blobs = new BlobStore(driver)
    driver.fail('write', 'full')
    await assert.rejects(blobs.write(digestOf(SMALL), SMALL), { kind: 'full' })
    driver.fail('write', undefined)
    await blobs.write(digestOf(SMALL), SMALL)
    assert.deepEqual(await blobs.read(digestOf(SMALL)), SMALL)
  })
})
