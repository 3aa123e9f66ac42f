import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Collector } from '../../src/keep/collect.ts'
import { CollectSchedule } from '../../src/keep/collect-schedule.ts'
import type { CollectReport } from '../../src/keep/collect-state.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('garbage is collected by itself', () => {
  let nowMs: number
  let runs: number[]
  let waiting: number
  let lastsMs: number
  let links: { removals: number }
  let schedule: CollectSchedule

  beforeEach(() => {
    nowMs = 1_000_000
    runs = []
    waiting = 0
    lastsMs = 0
    links = { removals: 0 }
    const run = async (): Promise<CollectReport> => {
      runs.push(nowMs)
      nowMs += lastsMs
      return { waiting } as CollectReport
    }
    const collector = { run } as unknown as Collector
    schedule = new CollectSchedule({ collector, links, keepUnnamedMs: 6 * HOUR_MS, now: () => nowMs })
  })

  /** Lets time pass, minute by minute. @returns how many runs there were */
  const wait = async (ms: number): Promise<number> => {
    const before = runs.length
    for (let passed = 0; passed < ms; passed += MINUTE_MS) {
      nowMs += MINUTE_MS
      await schedule.tick(new AbortController().signal)
    }
    return runs.length - before
  }

  it('soon after the start, and then once a day', async () => {
    assert.equal(await wait(HOUR_MS), 1)
    assert.equal(await wait(47 * HOUR_MS), 1)
  })

  it('some minutes after a delete, once for many of them', async () => {
    await wait(HOUR_MS)
    links.removals += 1
    await wait(5 * MINUTE_MS)
    links.removals += 5
    assert.equal(await wait(HOUR_MS), 1)
  })

  it('again when what was too young has had its time', async () => {
    waiting = 3
    await wait(HOUR_MS)
    waiting = 0
    assert.equal(await wait(5 * HOUR_MS), 0)
    assert.equal(await wait(HOUR_MS), 1)
  })

  it('seldom where it takes long, however much is deleted', async () => {
    lastsMs = HOUR_MS
    await wait(HOUR_MS)
    let count = 0
    for (let i = 0; i < 9; i += 1) {
      links.removals += 1
      count += await wait(HOUR_MS)
    }
    assert.equal(count, 0)
    assert.equal(await wait(2 * HOUR_MS), 1)
  })
})
