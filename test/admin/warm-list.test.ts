import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WarmResult } from '../../src/admin/warm-job.ts'
import { WarmList } from '../../src/admin/warm-list.ts'
import { Timetable } from '../../src/keep/timetable.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START_MS = Date.parse('2026-01-01T12:00:00Z')
const NOTHING: WarmResult = { fetched: 0, present: 1, failed: 0, skipped: 0, bytes: 0 }

/** A list that is due every six hours, with warm-ups that come to what a test says. */
const makeList = () => {
  const bench = { nowMs: START_MS, result: NOTHING, runs: [] as (readonly string[])[] }
  const list = new WarmList({
    references: ['alpine:3'],
    timetable: new Timetable({ schedule: 6 * HOUR_MS, spreadMs: 0, now: () => bench.nowMs, random: () => 0 }),
    warm: {
      run: async (references) => {
        bench.runs.push(references)
        return bench.result
      },
    },
  })
  const tickAfter = async (ms: number): Promise<number> => {
    bench.nowMs += ms
    await list.tick()
    return bench.runs.length
  }
  return { bench, tickAfter }
}

describe('a warm list', () => {
  it('is fetched when it is due', async () => {
    const { bench, tickAfter } = makeList()
    assert.deepEqual(
      [
        await tickAfter(0),
        await tickAfter(5 * HOUR_MS),
        await tickAfter(HOUR_MS),
        await tickAfter(MINUTE_MS),
      ],
      [1, 1, 2, 2],
    )
    assert.deepEqual(bench.runs[0], ['alpine:3'])
  })

  it('is fetched again soon where an upstream was not well', async () => {
    const { bench, tickAfter } = makeList()
    bench.result = { ...NOTHING, skipped: 1 }
    await tickAfter(0)
    bench.result = NOTHING
    assert.deepEqual(
      [await tickAfter(14 * MINUTE_MS), await tickAfter(MINUTE_MS), await tickAfter(15 * MINUTE_MS)],
      [1, 2, 2],
    )
  })
})
