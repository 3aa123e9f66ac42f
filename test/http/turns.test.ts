import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextRound } from 'node:timers/promises'
import { Turns } from '../../src/http/turns.ts'

const KIB = 1024

/** Has writes of so many bytes each take turns. @returns which have had theirs so far */
const queue = (turns: Turns, sizes: readonly number[]): number[] => {
  const done: number[] = []
  for (const [i, size] of sizes.entries()) void turns.take(size).then(() => done.push(i))
  return done
}

describe('turns of large writes', () => {
  it('come in order, one large write a round', async () => {
    const done = queue(new Turns(), [512 * KIB, 256 * KIB, 512 * KIB])
    assert.deepEqual(done, [])
    for (const expected of [[0], [0, 1], [0, 1, 2]]) {
      await nextRound()
      assert.deepEqual(done, expected)
    }
  })

  it('come together where writes are small', async () => {
    const done = queue(
      new Turns(),
      Array.from({ length: 20 }, () => 16 * KIB),
    )
    await nextRound()
    assert.equal(done.length, 16)
    await nextRound()
    assert.equal(done.length, 20)
  })

  it('begin anew when all have had theirs', async () => {
    const turns = new Turns()
    for (let i = 0; i < 3; i += 1) {
      const done = queue(turns, [512 * KIB])
      await nextRound()
      assert.deepEqual(done, [0])
    }
  })
})
