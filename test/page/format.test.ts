import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  formatAmount,
  formatBytes,
  formatDuration,
  formatRatio,
  formatRelative,
  shortenDigest,
  toGlob,
} from '../../src/page/format.js'
import fc from '../support/fast-check.ts'

const S = 1_000
const MIN = 60 * S
const H = 60 * MIN
const D = 24 * H

describe('the page writes', () => {
  const rows: readonly (readonly [written: string, wanted: string])[] = [
    [formatBytes(0), '0 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(1_500), '1.50 kB'],
    [formatBytes(9_999), '10.0 kB'],
    [formatBytes(34_567_890), '34.6 MB'],
    [formatBytes(999_700_000), '1.00 GB'],
    [formatBytes(120e9), '120 GB'],
    [formatBytes(5e18), '5000 PB'],
    [formatRatio(undefined), '–'],
    [formatRatio(0), '0 %'],
    [formatRatio(1), '100 %'],
    [formatRatio(0.875), '87.5 %'],
    [formatRatio(0.99999), '99.9 %'],
    [formatRatio(0.00001), '0.1 %'],
    [formatDuration(400), '< 1 s'],
    [formatDuration(1500), '2 s'],
    [formatDuration(59 * S), '59 s'],
    [formatDuration(90 * MIN), '1 h'],
    [formatDuration(6 * H), '6 h'],
    [formatDuration(40 * D), '40 d'],
    [formatDuration(800 * D), '2 y'],
    [formatRelative(0, 2 * S), 'just now'],
    [formatRelative(0, 3 * H), '3 h ago'],
    [formatRelative(10 * MIN, 0), 'in 10 min'],
    [formatAmount(1, 'tag'), '1 tag'],
    [formatAmount(1234, 'tag'), '1,234 tags'],
    [formatAmount(0, 'miss', 'misses'), '0 misses'],
    [shortenDigest(`sha256:${'0123456789abcdef'.repeat(4)}`), '0123456789ab'],
    [toGlob('alpine'), '**/*alpine*{,/**}'],
    [toGlob('library/*'), 'library/*'],
  ]
  for (const [written, wanted] of rows)
    it(wanted, () => {
      assert.equal(written, wanted)
    })

  it('sizes with three digits at the most, but for what is larger than anything', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) => {
        const [figure = ''] = formatBytes(value).split(' ')
        assert.ok(figure.replace('.', '').length <= 3, figure)
      }),
    )
  })

  it('all of something, or nothing of it, only where that is so', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (ratio) => {
        const text = formatRatio(ratio)
        assert.equal(text === '100 %', ratio === 1)
        assert.equal(text === '0 %', ratio === 0)
      }),
    )
  })
})
