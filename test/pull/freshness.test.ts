import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseTag } from '../../src/protocol/name.ts'
import { createFreshness, isFresh } from '../../src/pull/freshness.ts'
import fc from '../support/fast-check.ts'

describe('how long a tag is fresh', () => {
  const freshness = createFreshness([
    { tags: ['latest', 'edge*'], forMs: 1000 },
    { tags: ['v*'], forMs: 5000 },
    { tags: ['v1'], forMs: 9000 },
  ])

  const cases = { latest: 1000, 'edge-2': 1000, v1: 5000, 'v1.2.3': 5000, stable: 0 }
  for (const [tag, forMs] of Object.entries(cases))
    it(`is ${forMs} ms for ${tag}, by the first rule that fits`, () =>
      assert.equal(freshness(parseTag(tag)), forMs))

  it('is no time at all without rules', () => assert.equal(createFreshness([])(parseTag('latest')), 0))
})

describe('an answer', () => {
  it('holds from the moment it came until its time is over', () => {
    const ms = fc.integer({ min: 0, max: 1e9 })
    fc.assert(
      fc.property(ms, ms, ms, (askedAt, forMs, later) => {
        assert.equal(isFresh(askedAt, forMs, askedAt + later), later < forMs)
      }),
    )
  })

  it('that never came does not hold', () => assert.equal(isFresh(undefined, 1000, 5), false))

  it('does not hold when the clock went back', () => assert.equal(isFresh(1000, 1000, 999), false))
})
