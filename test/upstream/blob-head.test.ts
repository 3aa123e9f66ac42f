import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatContentRange, parseRange } from '../../src/protocol/range.ts'
import { formatRange, readBlobHead } from '../../src/upstream/blob-head.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import fc from '../support/fast-check.ts'

const wanted = fc
  .record({
    sizeBytes: fc.integer({ min: 1, max: 1_000_000 }),
    a: fc.nat(),
    b: fc.option(fc.nat(), { nil: undefined }),
  })
  .map(({ sizeBytes, a, b }) => {
    const from = a % sizeBytes
    return { sizeBytes, from, to: b === undefined ? undefined : from + (b % sizeBytes) }
  })

test('what an honest registry answers to a range is read as that range', () => {
  fc.assert(
    fc.property(wanted, ({ sizeBytes, from, to }) => {
      const header = formatRange({ from, to })
      const range = parseRange(header, sizeBytes)
      if (range.kind !== 'part') return assert.equal(header, undefined)
      const headers = {
        'content-range': formatContentRange(range, sizeBytes),
        'content-length': String(range.last + 1 - range.first),
      }
      assert.deepEqual(readBlobHead({ status: 206, headers }, { from, to }, 'x'), { start: from, sizeBytes })
    }),
  )
})

test('a part that begins elsewhere is never taken, whatever else it says', () => {
  fc.assert(
    fc.property(wanted, fc.nat(), fc.nat(), ({ from, to }, first, length) => {
      fc.pre(first !== from)
      const headers = { 'content-range': `bytes ${first}-${first + length}/*` }
      assert.throws(() => readBlobHead({ status: 206, headers }, { from, to }, 'x'), { kind: 'corrupt' })
    }),
  )
})

test('no header makes the reading fail otherwise than by an error of the upstream', () => {
  fc.assert(
    fc.property(
      wanted,
      fc.string(),
      fc.string(),
      fc.integer({ min: 200, max: 299 }),
      (range, a, b, status) => {
        try {
          readBlobHead({ status, headers: { 'content-range': a, 'content-length': b } }, range, 'x')
        } catch (error) {
          assert.ok(error instanceof UpstreamError)
        }
      },
    ),
  )
})

test('a part is corrupt where the whole was asked for, and another success is none', () => {
  const whole = { from: 0, to: undefined }
  const headers = { 'content-range': 'bytes 0-9/10' }
  assert.throws(() => readBlobHead({ status: 206, headers }, whole, 'x'), { kind: 'corrupt' })
  assert.throws(() => readBlobHead({ status: 204, headers: {} }, whole, 'x'), { kind: 'status' })
})

test('a part that ends before it was to is taken, one that ends after is not', () => {
  const head = (range: string) => ({ status: 206, headers: { 'content-range': range } })
  assert.deepEqual(readBlobHead(head('bytes 5-6/10'), { from: 5, to: 8 }, 'x'), { start: 5, sizeBytes: 10 })
  assert.throws(() => readBlobHead(head('bytes 5-9/10'), { from: 5, to: 8 }, 'x'), { kind: 'corrupt' })
})
