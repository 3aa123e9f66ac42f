import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoredFile } from '../../src/store/driver.ts'
import { readWhole } from '../../src/store/read-whole.ts'

/** A file that says it has 10 bytes, has `content`, and gives `atOnce` bytes at a time. */
const fileOf = (content: string, atOnce: number): StoredFile => ({
  sizeBytes: 10,
  read: async (buffer, position, length) => {
    const part = Buffer.from(content).subarray(position, position + Math.min(length, atOnce))
    buffer.set(part)
    return part.length
  },
  close: async () => {},
})

describe('a file read whole', () => {
  it('has all its bytes, in however many reads they come', async () => {
    for (const atOnce of [1, 3, 10])
      assert.equal(String(await readWhole(fileOf('0123456789', atOnce))), '0123456789')
  })

  it('has no more than there is, where it was cut off meanwhile', async () => {
    assert.equal(String(await readWhole(fileOf('0123', 3))), '0123')
    assert.equal((await readWhole(fileOf('', 3))).length, 0)
  })
})
