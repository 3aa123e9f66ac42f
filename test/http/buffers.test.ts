import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BufferPool } from '../../src/http/buffers.ts'

const KIB = 1024

/** A pool of so many transfers. */
const poolOf = (transfers: number): BufferPool => {
  const pool = new BufferPool()
  for (let i = 0; i < transfers; i += 1) pool.enter()
  return pool
}

describe('the buffers for sending', () => {
  for (const [transfers, kib] of [
    [1, 1024],
    [8, 1024],
    [9, 512],
    [16, 512],
    [17, 256],
    [48, 256],
    [49, 64],
    [128, 64],
    [129, 32],
    [512, 32],
    [513, 16],
    [4096, 16],
  ] as const)
    it(`are of ${kib} KiB for ${transfers} transfers`, () => {
      const pool = poolOf(transfers)
      assert.equal(pool.sizeBytes, kib * KIB)
      assert.equal(pool.take(pool.sizeBytes).length, kib * KIB)
    })

  it('stay within 16 MiB for 512 transfers, and within 64 for as many as there may be connections', () => {
    for (const transfers of [1, 8, 9, 16, 17, 24, 25, 48, 49, 128, 129, 512, 513, 4096]) {
      const pool = poolOf(transfers)
      const mib = (transfers * pool.sizeBytes * (pool.isCrowded ? 1 : 2)) / (KIB * KIB)
      assert.ok(mib <= (transfers <= 512 ? 16 : 64), `${mib} MiB for ${transfers}`)
    }
  })

  it('are used again', () => {
    const pool = poolOf(1)
    const buffer = pool.take(pool.sizeBytes)
    pool.give(buffer)
    assert.equal(pool.take(pool.sizeBytes), buffer)
    assert.notEqual(pool.take(pool.sizeBytes), buffer)
  })

  it('are not kept once they are too large for so many transfers', () => {
    const pool = poolOf(8)
    const [kept, given] = [pool.take(1024 * KIB), pool.take(1024 * KIB)]
    pool.give(kept)
    pool.enter()
    pool.give(given)
    pool.leave()
    const fresh = pool.take(1024 * KIB)
    assert.ok(fresh !== kept && fresh !== given)
  })

  it('are of a few transfers again when the others have ended', () => {
    const pool = poolOf(9)
    pool.leave()
    assert.equal(pool.sizeBytes, 1024 * KIB)
  })
})
