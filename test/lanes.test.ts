import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inLanes, mapInLanes } from '../src/lanes.ts'

const LANES = 8
const ITEMS = Array.from({ length: 50 }, (_, i) => i)

describe('work in lanes', () => {
  it('is done on each item once, a few at a time', async () => {
    const done: number[] = []
    let underWay = 0
    let most = 0
    await inLanes(ITEMS, async (item) => {
      underWay += 1
      most = Math.max(most, underWay)
      await nextTurn()
      underWay -= 1
      done.push(item)
    })
    assert.deepEqual(done, ITEMS)
    assert.equal(most, LANES)
  })

  it('takes items as they come', async () => {
    const items = async function* () {
      for (const item of ITEMS) {
        await nextTurn()
        yield item
      }
    }
    const done: number[] = []
    await inLanes(items(), async (item) => void done.push(item))
    assert.deepEqual(done, ITEMS)
  })

  it('ends at the first failure, once what is under way has ended', async () => {
    const error = new Error('the third')
    let begun = 0
    let ended = 0
    const work = inLanes(ITEMS, async (item) => {
      begun += 1
      if (item === 2) throw error
      await nextTurn()
      ended += 1
    })
    await assert.rejects(work, error)
    assert.deepEqual([begun, ended], [LANES, LANES - 1])
  })

  it('finds something for some, in the order of the keys', async () => {
    const find = async (item: number): Promise<string | undefined> => {
      if (item % 3 === 0) await nextTurn()
      return item % 2 === 0 ? `${item}` : undefined
    }
    const even = ITEMS.filter((item) => item % 2 === 0)
    assert.deepEqual(
      [...(await mapInLanes(ITEMS, find))],
      even.map((item) => [item, `${item}`]),
    )
  })
})
