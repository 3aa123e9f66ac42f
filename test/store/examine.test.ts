import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import type { StorageDriver } from '../../src/store/driver.ts'
import { examineBlob } from '../../src/store/examine.ts'
import { blobKey } from '../../src/store/paths.ts'
import { BadSectors } from '../support/bad-sectors.ts'
import { seededBytes } from '../support/bytes.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const BYTES = seededBytes(1_000_000)
const DIGEST = digestOf(BYTES)
const KEY = blobKey(DIGEST)

describe('examining a blob', () => {
  let memory: MemoryDriver
  let sectors: BadSectors
  let driver: StorageDriver

  beforeEach(() => {
    memory = new MemoryDriver()
    sectors = new BadSectors()
    driver = sectors.under(memory)
    memory.put(KEY, BYTES)
  })

  const kindNow = async (): Promise<string> => (await examineBlob(driver, DIGEST)).kind

  it('finds what is right, and what is not there', async () => {
    assert.deepEqual(await examineBlob(driver, DIGEST), { kind: 'right', sizeBytes: BYTES.length })
    await memory.remove(KEY)
    assert.equal(await kindNow(), 'gone')
  })

  for (const [what, bytes] of [
    ['a changed bit', Buffer.concat([BYTES.subarray(0, -1), Buffer.from([BYTES.at(-1)! ^ 1])])],
    ['a byte less', BYTES.subarray(0, -1)],
    ['a byte more', Buffer.concat([BYTES, Buffer.alloc(1)])],
    ['nothing', Buffer.alloc(0)],
  ] as const)
    it(`finds ${what}`, async () => {
      memory.put(KEY, bytes)
      const found = await examineBlob(driver, DIGEST)
      assert.equal(found.kind, 'wrong')
      assert.equal('seen' in found && found.seen.sizeBytes, bytes.length)
    })

  it('finds what the disk has lost, and takes no other failure for that', async () => {
    sectors.lose(KEY, 900_000)
    assert.equal(await kindNow(), 'unreadable')
    sectors.mend()
    memory.fail('open', 'io')
    await assert.rejects(kindNow(), { name: 'StorageError', kind: 'io' })
  })

  it('reads in small pieces, at the pace of who asks, and ends with his signal', async () => {
    const pieces: number[] = []
    const stop = new AbortController()
    const pace = async (bytes: number): Promise<void> => {
      pieces.push(bytes)
      if (pieces.length === 2) stop.abort(new Error('enough'))
    }
    await assert.rejects(examineBlob(driver, DIGEST, { pace, signal: stop.signal }), /enough/)
    assert.deepEqual(pieces, [262_144, 262_144])
  })
})
