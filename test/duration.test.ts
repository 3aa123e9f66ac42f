import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration, parseGoDuration } from '../src/duration.ts'
import fc from './support/fast-check.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

test('durations are read as Go reads them', () => {
  const rows: readonly (readonly [string | number, number | undefined])[] = [
    ['300ms', 300],
    ['1.5h', 1.5 * HOUR],
    ['1h30m', 1.5 * HOUR],
    ['1h30m10.5s', 1.5 * HOUR + 10.5 * SECOND],
    ['2m', 2 * MINUTE],
    ['10s', 10 * SECOND],
    ['.5s', 500],
    ['1.s', SECOND],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['100μs', 0.1],
    ['1ns', 1e-6],
    ['0', 0],
    ['-1s', -SECOND],
    ['+1s', SECOND],
    ['-0', 0],
    [10_000_000_000, 10 * SECOND],
    [0, 0],
    [-1_000_000, -1],
    ['10', undefined],
    ['1d', undefined],
    ['', undefined],
    ['s', undefined],
    ['-', undefined],
    ['1 s', undefined],
    ['1s ', undefined],
    ['1h2', undefined],
    ['1S', undefined],
    ['.s', undefined],
    ['--1s', undefined],
    ['9999999999h', undefined],
    [1.5, undefined],
    [Number.NaN, undefined],
  ]
  for (const [value, ms] of rows) assert.equal(parseGoDuration(value), ms, String(value))
})

test("durations of entrepot's own keys need a unit, may be days, and are never negative", () => {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['10s', 10 * SECOND],
    ['7d', 168 * HOUR],
    ['1d12h', 36 * HOUR],
    ['10', undefined],
    ['10000000000', undefined],
    ['-1s', undefined],
    ['1w', undefined],
    ['', undefined],
  ]
  for (const [text, ms] of rows) assert.equal(parseDuration(text), ms, text)
})

test('what is written is read back exactly', () => {
  const nanoseconds = fc.integer({ min: 0, max: 1e15 })
  fc.assert(
    fc.property(nanoseconds, (ns) => {
      const ms = parseGoDuration(ns)
      assert.ok(ms !== undefined)
      const text = formatDuration(ms)
      assert.equal(parseGoDuration(text), ms, text)
      assert.equal(parseDuration(text), ms, text)
      assert.equal(parseGoDuration(formatDuration(-ms)), -ms || 0)
    }),
  )
})

test('a sum of parts is the sum of what they are alone', () => {
  const part = fc.tuple(fc.nat(1000), fc.constantFrom('h', 'm', 's', 'ms'))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const alone = parts.map(([count, unit]) => parseGoDuration(`${count}${unit}`) ?? Number.NaN)
      const together = parseGoDuration(parts.map(([count, unit]) => `${count}${unit}`).join(''))
      assert.equal(
        together,
        alone.reduce((sum, each) => sum + each, 0),
      )
    }),
  )
})

test('any text is a duration or is not, without an exception', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseDuration(text)
      assert.ok(ms === undefined || ms >= 0)
    }),
  )
})

test('durations are written as people write them', () => {
  const rows = [
    [0, '0s'],
    [8000, '8s'],
    [168 * HOUR, '168h'],
    [90 * MINUTE, '1h30m'],
    [1500, '1s500ms'],
    [0.3, '0.3ms'],
  ] as const
  for (const [ms, text] of rows) assert.equal(formatDuration(ms), text)
})
