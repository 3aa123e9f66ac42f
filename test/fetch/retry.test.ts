import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Interruption, pauseBeforeResume } from '../../src/fetch/retry.ts'
import fc from '../support/fast-check.ts'

const interruption = (changes: Partial<Interruption> = {}): Interruption => ({
  kind: 'unreachable',
  failures: 1,
  failingForMs: 0,
  giveUpAfterMs: 120_000,
  retryAfterMs: undefined,
  random: 1,
  ...changes,
})

describe('the pause before a download goes on', () => {
  it('doubles from 200 ms to 10 s', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) =>
      pauseBeforeResume(interruption({ failures })),
    )
    assert.deepEqual(pauses, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000])
  })

  it('is anything between half of that and that', () => {
    assert.equal(pauseBeforeResume(interruption({ random: 0 })), 100)
    assert.equal(pauseBeforeResume(interruption({ random: 0.5 })), 150)
  })

  it('is as long as the upstream asked for', () => {
    assert.equal(pauseBeforeResume(interruption({ kind: 'limited', retryAfterMs: 30_000 })), 30_000)
    assert.equal(pauseBeforeResume(interruption({ kind: 'limited', retryAfterMs: 1 })), 200)
  })

  for (const kind of ['absent', 'refused', 'forbidden', 'corrupt'] as const)
    it(`is none after "${kind}": another try would not help`, () => {
      assert.equal(pauseBeforeResume(interruption({ kind })), undefined)
    })

  it('never ends after the time to give up', () => {
    const check = (failures: number, failingForMs: number, random: number, retryAfterMs: number): void => {
      const pauseMs = pauseBeforeResume(interruption({ failures, failingForMs, random, retryAfterMs }))
      if (pauseMs !== undefined) assert.ok(pauseMs >= retryAfterMs && failingForMs + pauseMs <= 120_000)
    }
    const ms = fc.integer({ min: 0, max: 200_000 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), ms, fc.double({ min: 0, max: 1, noNaN: true }), ms, check),
    )
  })
})
