import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  formatContentRange,
  parseChunkRange,
  parseContentRange,
  parseRange,
  type RangeRequest,
} from '../../src/protocol/range.ts'
import { anyText } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH } from '../support/hostile.ts'

const SIZE = 2048
const WHOLE: RangeRequest = { kind: 'whole' }
const UNSATISFIABLE: RangeRequest = { kind: 'unsatisfiable' }
const part = (first: number, last: number): RangeRequest => ({ kind: 'part', first, last })

describe('Range of a blob of 2048 bytes', () => {
  const table: [header: string | undefined, meaning: RangeRequest][] = [
    [undefined, WHOLE],
    ['bytes=500-1499', part(500, 1499)],
    ['bytes=500-', part(500, 2047)],
    ['bytes=-500', part(1548, 2047)],
    ['bytes=0-', part(0, 2047)],
    ['bytes=0-0', part(0, 0)],
    ['bytes=-1', part(2047, 2047)],
    ['bytes=2047-', part(2047, 2047)],
    ['bytes=2000-5000', part(2000, 2047)],
    ['bytes=-5000', part(0, 2047)],
    ['bytes=0-99999999999999999999999', part(0, 2047)],
    ['bytes=-99999999999999999999999', part(0, 2047)],
    ['bytes=007-010', part(7, 10)],
    ['Bytes=0-1', part(0, 1)],
    ['bytes= 0-1 ', part(0, 1)],
    ['bytes=500-0', UNSATISFIABLE],
    ['bytes=2048-', UNSATISFIABLE],
    ['bytes=5000-10000', UNSATISFIABLE],
    ['bytes=-0', UNSATISFIABLE],
    ['bytes=99999999999999999999999-', UNSATISFIABLE],
    ['', WHOLE],
    ['bytes=', WHOLE],
    ['bytes=-', WHOLE],
    ['bytes', WHOLE],
    ['bytes=a-b', WHOLE],
    ['bytes=0-99,200-299', WHOLE],
    ['bytes=--1', WHOLE],
    ['bytes=1', WHOLE],
    ['bytes=+1-2', WHOLE],
    ['bytes=1e3-', WHOLE],
    ['bytes=0x0-0xf', WHOLE],
    ['bytes=0-1\n', WHOLE],
    ['bytes 0-1', WHOLE],
    ['items=0-1', WHOLE],
  ]
  for (const [header, meaning] of table)
    it(`${JSON.stringify(header) ?? 'that is missing'} asks for ${JSON.stringify(meaning)}`, () => {
      assert.deepEqual(parseRange(header, SIZE), meaning)
    })

  it('asks for all of an empty blob, whatever it says', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=5-', 'bytes=-5', 'bytes=-0', undefined])
      assert.deepEqual(parseRange(header, 0), WHOLE)
  })

  const offsets = fc.integer({ min: 0, max: 40 })
  const specs = fc.oneof(
    fc.tuple(offsets, offsets).map(([from, to]) => ({ from, to })),
    offsets.map((from) => ({ from, to: undefined })),
    offsets.map((to) => ({ from: undefined, to })),
  )

  it('gives the bytes that the same slice of an array would give', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), specs, (bytes, { from, to }) => {
        const expected =
          from === undefined
            ? bytes.slice(to === 0 ? bytes.length : -to!)
            : bytes.slice(from, to === undefined ? undefined : to + 1)
        const request = parseRange(`bytes=${from ?? ''}-${to ?? ''}`, bytes.length)
        if (request.kind === 'part') assert.deepEqual(bytes.slice(request.first, request.last + 1), expected)
        else assert.deepEqual([request, expected.length], [UNSATISFIABLE, 0])
      }),
    )
  })

  it('never reaches outside of the blob, whatever the header', () => {
    const headers = fc.oneof(
      anyText,
      fc.string({ unit: fc.constantFrom(...'0123456789-, =bytes') }).map((text) => `bytes=${text}`),
    )
    fc.assert(
      fc.property(headers, fc.nat(), (header, sizeBytes) => {
        const request = parseRange(header, sizeBytes)
        if (request.kind !== 'part') return
        assert.ok(request.first >= 0 && request.first <= request.last && request.last < sizeBytes)
      }),
    )
  })

  it('of hostile length is read at once', () => {
    for (const unit of [' ', '\t', '0', '-', '0-', ',', ' ,', '0-0,', '9 '])
      for (const end of ['', 'x', '-', '-x'])
        comesToAnEnd(() => parseRange(`bytes=${unit.repeat(HOSTILE_LENGTH / unit.length)}${end}`, SIZE))
  })
})

describe('Content-Range of an answer', () => {
  const taken: [header: string, range: object][] = [
    ['bytes 0-99/1234', { first: 0, last: 99, sizeBytes: 1234 }],
    ['bytes 500-1499/*', { first: 500, last: 1499, sizeBytes: undefined }],
    ['bytes 0-0/1', { first: 0, last: 0, sizeBytes: 1 }],
    ['Bytes 1-2/3', { first: 1, last: 2, sizeBytes: 3 }],
  ]
  for (const [header, range] of taken)
    it(`${header} is understood`, () => {
      assert.deepEqual(parseContentRange(header), range)
    })

  const refused: [why: string, header: string | undefined][] = [
    ['missing', undefined],
    ['empty', ''],
    ['of an unsatisfiable range', 'bytes */1234'],
    ['of another unit', 'items 0-1/2'],
    ['inverted', 'bytes 5-4/10'],
    ['past the size', 'bytes 0-10/10'],
    ['without a size', 'bytes 0-10'],
    ['without an end', 'bytes 0-/10'],
    ['negative', 'bytes -5-4/10'],
    ['a list', 'bytes 0-1/10, 2-3/10'],
    ['larger than can be counted', 'bytes 0-99999999999999999999/*'],
    ['of a blob larger than can be counted', `bytes 0-1/${'9'.repeat(400)}`],
    ['followed by a line feed', 'bytes 0-1/2\n'],
  ]
  for (const [why, header] of refused)
    it(`that is ${why} is none`, () => {
      assert.equal(parseContentRange(header), undefined)
    })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1 }), (first, length, rest) => {
        const last = first + length
        const sizeBytes = last + rest
        assert.deepEqual(parseContentRange(formatContentRange({ first, last }, sizeBytes)), {
          first,
          last,
          sizeBytes,
        })
      }),
    )
  })

  it('of hostile length is refused at once', () => {
    for (const unit of ['0', ' ', '-', '/', '*'])
      assert.equal(
        comesToAnEnd(() => parseContentRange(`bytes 0-${unit.repeat(HOSTILE_LENGTH)}`)),
        undefined,
      )
  })
})

describe('Content-Range of a chunk', () => {
  it('has no unit and no size', () => {
    assert.deepEqual(parseChunkRange('0-1023'), { first: 0, last: 1023 })
    assert.deepEqual(parseChunkRange('2048-3066'), { first: 2048, last: 3066 })
  })

  const refused = [
    '',
    '-',
    '0-',
    '-5',
    '5-4',
    'bytes 0-5',
    'bytes=0-5',
    '0-5/6',
    '0 - 5',
    '0-5,6-7',
    '+0-5',
    '0-99999999999999999999',
    '0-5\n',
  ]
  for (const header of refused)
    it(`is not ${JSON.stringify(header)}`, () => {
      assert.equal(parseChunkRange(header), undefined)
    })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (first, length) => {
        assert.deepEqual(parseChunkRange(`${first}-${first + length}`), { first, last: first + length })
      }),
    )
  })

  it('of arbitrary text is none, or a range in order', () => {
    fc.assert(
      fc.property(anyText, (header) => {
        const range = parseChunkRange(header)
        assert.ok(range === undefined || range.first <= range.last)
      }),
    )
  })
})
