import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { nextTimeOfDay, type Schedule, Timetable } from '../../src/keep/timetable.ts'
import fc from '../support/fast-check.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START_MS = Date.parse('2026-01-01T12:00:00Z')

/** A timetable with a clock that a test sets, and chance that is always the same. */
const makeTable = (schedule: Schedule, startMs = START_MS, chance = 0) => {
  const clock = { nowMs: startMs }
  const table = new Timetable({
    schedule,
    spreadMs: 10 * MINUTE_MS,
    now: () => clock.nowMs,
    random: () => chance,
  })
  /** How often it is due when it is looked at every minute until a time. */
  const countUntil = (untilMs: number): number => {
    let count = 0
    for (; clock.nowMs <= untilMs; clock.nowMs += MINUTE_MS) if (table.takeDue()) count += 1
    return count
  }
  return { table, clock, countUntil }
}

let zone: string | undefined
before(() => {
  zone = process.env.TZ
  process.env.TZ = 'Europe/Berlin'
})
after(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

describe('what is done every so often', () => {
  it('is due soon after the start, and then as often as it says', () => {
    const { table, clock } = makeTable(6 * HOUR_MS)
    assert.deepEqual([table.takeDue(), table.takeDue()], [true, false])
    clock.nowMs += 6 * HOUR_MS - 1
    assert.equal(table.takeDue(), false)
    clock.nowMs += 1
    assert.equal(table.takeDue(), true)
  })

  it('is late by chance, and no later than its own pause', () => {
    const { table, clock } = makeTable(DAY_MS, START_MS, 0.5)
    assert.equal(table.takeDue(), false)
    clock.nowMs += 5 * MINUTE_MS
    assert.equal(table.takeDue(), true)
    const short = makeTable(MINUTE_MS, START_MS, 0.5)
    short.clock.nowMs += MINUTE_MS / 2
    assert.equal(short.table.takeDue(), true)
  })

  it('is due once where much was missed', () => {
    const { table, clock } = makeTable(HOUR_MS)
    table.takeDue()
    clock.nowMs += 100 * DAY_MS
    assert.deepEqual([table.takeDue(), table.takeDue()], [true, false])
  })

  it('waits no longer than its pause where the clock was put back', () => {
    const { table, clock } = makeTable(HOUR_MS)
    table.takeDue()
    clock.nowMs -= 365 * DAY_MS
    assert.equal(table.takeDue(), false)
    clock.nowMs += HOUR_MS
    assert.equal(table.takeDue(), true)
  })

  it('is due earlier when that is asked for', () => {
    const { table, clock } = makeTable(DAY_MS)
    table.takeDue()
    table.hasten(15 * MINUTE_MS)
    clock.nowMs += 15 * MINUTE_MS
    assert.deepEqual([table.takeDue(), table.takeDue()], [true, false])
  })
})

describe('what is done at times of day', () => {
  const local = (text: string): number => Date.parse(text)

  for (const [what, from, until, times, count] of [
    ['on an ordinary day', '2026-01-10T00:00:00+01:00', '2026-01-10T23:59:00+01:00', ['03:30', '15:30'], 2],
    [
      'on the day that the clock goes forward',
      '2026-03-29T00:00:00+01:00',
      '2026-03-29T23:59:00+02:00',
      ['02:30'],
      1,
    ],
    [
      'on the day that the clock goes back',
      '2026-10-25T00:00:00+02:00',
      '2026-10-25T23:59:00+01:00',
      ['02:30'],
      1,
    ],
    ['in a year', '2026-01-01T00:00:00+01:00', '2026-12-31T23:59:00+01:00', ['02:30'], 365],
  ] as const)
    it(`is due as often as it says ${what}`, () => {
      assert.equal(makeTable(times, local(from)).countUntil(local(until)), count)
    })

  it('is not due at the start, but at its time, in local time', () => {
    const { table, clock } = makeTable(['03:30'], local('2026-07-01T03:31:00+02:00'))
    assert.equal(table.takeDue(), false)
    clock.nowMs = local('2026-07-02T03:29:59+02:00')
    assert.equal(table.takeDue(), false)
    clock.nowMs = local('2026-07-02T03:30:00+02:00')
    assert.equal(table.takeDue(), true)
  })

  it('is due once after a sleep of days', () => {
    const { table, clock } = makeTable(['03:30', '15:30'])
    clock.nowMs += 5 * DAY_MS
    assert.deepEqual([table.takeDue(), table.takeDue()], [true, false])
  })

  it('is always due again within a day and an hour, and never at once', () => {
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'))
    const days = { min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) }
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 4 }), fc.integer(days), (times, atMs) => {
        const waitMs = nextTimeOfDay(times, atMs) - atMs
        assert.ok(waitMs > 0 && waitMs <= DAY_MS + HOUR_MS, String(waitMs))
      }),
    )
  })
})
