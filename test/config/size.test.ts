import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAmount, formatSize, parseAmount, parseSize } from '../../src/config/size.ts'
import fc from '../support/fast-check.ts'

test('sizes are bytes, powers of 1000 or powers of 1024', () => {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['1048576', 2 ** 20],
    ['512B', 512],
    ['20kB', 20_000],
    ['20KB', 20_000],
    ['500MB', 500_000_000],
    ['500 MB', 500_000_000],
    ['2GB', 2e9],
    ['1TB', 1e12],
    ['64KiB', 65_536],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2TiB', 2 ** 41],
    ['0.3B', 0],
    ['10G', undefined],
    ['10k', undefined],
    ['-1', undefined],
    ['1e6', undefined],
    ['MB', undefined],
    ['', undefined],
    ['5%', undefined],
    ['1 000', undefined],
    ['99999999TB', undefined],
    ['1constructor', undefined],
  ]
  for (const [text, bytes] of rows) assert.equal(parseSize(text), bytes, text)
})

test('an amount is a size or a share of at most the whole', () => {
  const rows = [
    ['5%', { percent: 5 }],
    ['2.5 %', { percent: 2.5 }],
    ['100%', { percent: 100 }],
    ['2GiB', { bytes: 2 ** 31 }],
    ['101%', undefined],
    ['-5%', undefined],
    ['%', undefined],
  ] as const
  for (const [text, amount] of rows) assert.deepEqual(parseAmount(text), amount, text)
})

test('what is written is read back exactly', () => {
  const unit = fc.constantFrom(1, 1e3, 1e6, 1e9, 2 ** 10, 2 ** 20, 2 ** 30)
  fc.assert(
    fc.property(fc.nat(1e6), unit, (count, unitBytes) => {
      const bytes = count * unitBytes
      assert.equal(parseSize(formatSize(bytes)), bytes)
      assert.deepEqual(parseAmount(formatAmount({ bytes })), { bytes })
    }),
  )
  fc.assert(
    fc.property(fc.nat(100), (percent) => {
      assert.deepEqual(parseAmount(formatAmount({ percent })), { percent })
    }),
  )
})

test('any text is a size or is not, without an exception', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = parseSize(text)
      assert.ok(bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0))
    }),
  )
})

test('sizes are written in the largest unit that divides them', () => {
  const rows = [
    [0, '0'],
    [1500, '1500'],
    [20_000, '20kB'],
    [65_536, '64KiB'],
    [2 ** 31, '2GiB'],
    [100e9, '100GB'],
  ] as const
  for (const [bytes, text] of rows) assert.equal(formatSize(bytes), text)
})
