import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Bounds, type Figures, findDemands } from '../../src/keep/demand.ts'
import fc from '../support/fast-check.ts'

const GIB = 2 ** 30
const NO_BOUNDS: Bounds = { maxBytes: undefined, minFreeBytes: () => 0, shareBytes: new Map() }
const FIGURES: Figures = {
  mirroredBytes: 1000,
  partialBytes: 0,
  comingBytes: 0,
  bytesOf: () => 0,
  usage: { totalBytes: 100_000, freeBytes: 10_000 },
}

describe('what has to go', () => {
  const cases: [what: string, bounds: Partial<Bounds>, figures: Partial<Figures>, expected: object[]][] = [
    ['is nothing without bounds', {}, {}, []],
    ['is nothing within them', { maxBytes: 1000, minFreeBytes: () => 10_000 }, {}, []],
    ['is what is over the size, and a little slack', { maxBytes: 900 }, {}, [{ overBytes: 100, bytes: 145 }]],
    [
      'counts what is being fetched',
      { maxBytes: 1000 },
      { partialBytes: 200, comingBytes: 150 },
      [{ overBytes: 200, bytes: 250 }],
    ],
    [
      'is what is missing of the free space, with what is still to come',
      { minFreeBytes: (total) => total / 8 },
      { comingBytes: 500 },
      [{ overBytes: 3000, bytes: 3625 }],
    ],
    [
      'is the larger of the two',
      { maxBytes: 900, minFreeBytes: () => 11_000 },
      {},
      [{ overBytes: 1000, bytes: 1550 }],
    ],
    [
      "is an upstream's own over its share, first",
      {
        maxBytes: 900,
        shareBytes: new Map([
          ['a', 300],
          ['b', 300],
        ]),
      },
      { bytesOf: (upstream) => (upstream === 'a' ? 400 : 200) },
      [
        { overBytes: 100, bytes: 115, upstream: 'a' },
        { overBytes: 100, bytes: 145 },
      ],
    ],
    [
      'has no more slack than a GiB',
      { maxBytes: 1000 * GIB },
      { mirroredBytes: 1001 * GIB },
      [{ overBytes: GIB, bytes: 2 * GIB }],
    ],
  ]
  for (const [what, bounds, figures, expected] of cases)
    it(what, () => {
      assert.deepEqual(findDemands({ ...NO_BOUNDS, ...bounds }, { ...FIGURES, ...figures }), expected)
    })

  it('brings everything within its bounds when it goes', () => {
    const size = fc.nat(1e12)
    fc.assert(
      fc.property(size, size, size, size, (mirroredBytes, partialBytes, maxBytes, freeBytes) => {
        const usage = { totalBytes: 2e12, freeBytes }
        const bounds = { ...NO_BOUNDS, maxBytes, minFreeBytes: (total: number) => total / 20 }
        const figures = { ...FIGURES, mirroredBytes, partialBytes, usage }
        const gone = findDemands(bounds, figures).reduce((most, { bytes }) => Math.max(most, bytes), 0)
        const after = {
          ...figures,
          mirroredBytes: mirroredBytes - gone,
          usage: { ...usage, freeBytes: freeBytes + gone },
        }
        assert.deepEqual(findDemands(bounds, after), [])
      }),
    )
  })
})
