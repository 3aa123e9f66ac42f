import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAgo, formatBytes, formatCount, formatShare, formatSpan } from '../../src/commands/units.ts'
import fc from '../support/fast-check.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')

describe('figures for people', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [10 * 1024, '10.0 KiB'],
    [12_900_000, '12.3 MiB'],
    [2 ** 20 - 1, '1.00 MiB'],
    [345 * 2 ** 30, '345 GiB'],
    [2 ** 53, '8.00 PiB'],
  ]
  for (const [bytes, text] of sizes)
    it(`show ${bytes} bytes as ${text}`, () => assert.equal(formatBytes(bytes), text))

  it('show a size to within half a per cent, however large', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => {
        const [value, unit] = formatBytes(bytes).split(' ') as [string, string]
        const factor = 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].indexOf(unit)
        assert.ok(Math.abs(Number(value) * factor - bytes) <= bytes * 0.005, `${bytes}: ${value} ${unit}`)
      }),
    )
  })

  const spans: [number, string][] = [
    [999, '0 s'],
    [45_000, '45 s'],
    [60_000, '1 min'],
    [3_661_000, '1 h 1 min'],
    [86_400_000 * 3 + 4 * 3_600_000 + 59_000, '3 d 4 h'],
  ]
  for (const [ms, text] of spans) it(`show ${ms} ms as ${text}`, () => assert.equal(formatSpan(ms), text))

  const times: [string | undefined, string][] = [
    [undefined, 'never'],
    ['2026-06-01T12:00:00Z', 'just now'],
    ['2026-06-01T11:59:30Z', '30 s ago'],
    ['2026-06-01T11:00:00Z', '1 h ago'],
    ['2026-05-01T12:00:00Z', '31 d ago'],
    ['2026-06-01T14:30:00Z', 'in 2 h'],
    ['once', 'once'],
  ]
  for (const [at, text] of times) it(`show ${at} as ${text}`, () => assert.equal(formatAgo(at, NOW), text))

  it('count things, and share them', () => {
    assert.equal(formatCount(1, 'tag'), '1 tag')
    assert.equal(formatCount(2, 'tag'), '2 tags')
    assert.equal(formatCount(0, 'repository'), '0 repositories')
    assert.equal(formatShare(0.9816), '98.2 %')
  })
})
