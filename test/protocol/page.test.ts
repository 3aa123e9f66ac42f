import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  compareBytes,
  compareNames,
  cutPage,
  type PageLimits,
  type PageRequest,
  parsePage,
} from '../../src/protocol/page.ts'
import { anyText, repositoryNames, tags } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH, refusesAtMost } from '../support/hostile.ts'

const TAGS: PageLimits = { defaultLimit: undefined, maxLimit: 1000 }
const CATALOG: PageLimits = { defaultLimit: 100, maxLimit: 1000, whenOver: 'refuse' }
type Query = Parameters<typeof parsePage>[0]

describe('what a client asks of a list', () => {
  const table: [what: string, query: Query, limits: PageLimits, request: PageRequest][] = [
    ['all of it, without n', {}, TAGS, { limit: undefined, after: undefined }],
    ['a hundred, without n, of the catalog', {}, CATALOG, { limit: 100, after: undefined }],
    ['n entries', { n: '5' }, TAGS, { limit: 5, after: undefined }],
    ['n entries after the last', { n: '5', last: 't' }, TAGS, { limit: 5, after: 't' }],
    ['all after the last, without n', { last: 't' }, TAGS, { limit: undefined, after: 't' }],
    ['nothing, with n=0', { n: '0' }, TAGS, { limit: 0, after: undefined }],
    ['as much as it can get', { n: '1000' }, CATALOG, { limit: 1000, after: undefined }],
    ['more tags than it can get', { n: '1001' }, TAGS, { limit: 1000, after: undefined }],
    ['more tags than can be counted', { n: '9'.repeat(400) }, TAGS, { limit: 1000, after: undefined }],
    ['all of it, with an empty n', { n: '', last: '' }, TAGS, { limit: undefined, after: undefined }],
    [
      'two pages at once: the first counts',
      { n: ['1', '2'], last: ['a', 'b'] },
      TAGS,
      { limit: 1, after: 'a' },
    ],
    ['to begin after any text', { last: '../é' }, TAGS, { limit: undefined, after: '../é' }],
  ]
  for (const [what, query, limits, request] of table)
    it(`is ${what}`, () => {
      assert.deepEqual(parsePage(query, limits), request)
    })

  for (const n of ['-1', '+1', '1.5', '1e3', '0x10', 'ten', ' 5', '5 ', '٣', 'NaN', '5\n'])
    it(`is PAGINATION_NUMBER_INVALID for n=${JSON.stringify(n)}`, () => {
      assert.throws(() => parsePage({ n }, TAGS), { code: 'PAGINATION_NUMBER_INVALID', status: 400 })
    })

  it('is PAGINATION_NUMBER_INVALID for more of the catalog than its setting allows, which the message names', () => {
    for (const n of ['1001', '9'.repeat(400)])
      assert.throws(() => parsePage({ n }, CATALOG), { code: 'PAGINATION_NUMBER_INVALID', message: /1000/ })
  })

  it('is refused at most, whatever it is, and at once', () => {
    fc.assert(fc.property(anyText, (n) => refusesAtMost(() => parsePage({ n, last: n }, TAGS))))
    for (const unit of ['1', '-', ' '])
      comesToAnEnd(() => refusesAtMost(() => parsePage({ n: `${unit.repeat(HOSTILE_LENGTH)}x` }, TAGS)))
  })
})

describe('a page of a list', () => {
  const list = ['a', 'b', 'c', 'd', 'e']
  const table: [request: PageRequest, items: string[], next: string | undefined][] = [
    [{ limit: undefined, after: undefined }, list, undefined],
    [{ limit: 2, after: undefined }, ['a', 'b'], 'b'],
    [{ limit: 2, after: 'b' }, ['c', 'd'], 'd'],
    [{ limit: 2, after: 'd' }, ['e'], undefined],
    [{ limit: 2, after: 'c' }, ['d', 'e'], undefined],
    [{ limit: 5, after: undefined }, list, undefined],
    [{ limit: 9, after: undefined }, list, undefined],
    [{ limit: undefined, after: 'b' }, ['c', 'd', 'e'], undefined],
    [{ limit: undefined, after: 'bb' }, ['c', 'd', 'e'], undefined],
    [{ limit: 1, after: '' }, ['a'], 'a'],
    [{ limit: 1, after: 'e' }, [], undefined],
    [{ limit: 1, after: 'zzz' }, [], undefined],
    [{ limit: 1, after: '\u{10ffff}' }, [], undefined],
    [{ limit: 0, after: undefined }, [], undefined],
    [{ limit: 0, after: 'b' }, [], undefined],
  ]
  for (const [request, items, next] of table)
    it(`for ${JSON.stringify(request)} is ${JSON.stringify(items)}${next === undefined ? '' : ', and there is more'}`, () => {
      assert.deepEqual(cutPage(list, request), { items, next })
    })

  it('of an empty list is empty', () => {
    assert.deepEqual(cutPage([], { limit: 5, after: 'x' }), { items: [], next: undefined })
  })

  const lists = fc.oneof(
    fc.uniqueArray(tags).map((items) => ({ items: items.sort(compareBytes), compare: compareBytes })),
    fc
      .uniqueArray(repositoryNames)
      .map((items) => ({ items: items.sort(compareNames), compare: compareNames })),
  )

  it('after page is the whole list, nothing twice and nothing left out', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 7 }), ({ items, compare }, limit) => {
        const seen: string[] = []
        let after: string | undefined
        do {
          const page = cutPage(items, { limit, after }, compare)
          seen.push(...page.items)
          after = page.next
        } while (after !== undefined)
        assert.deepEqual(seen, items)
      }),
    )
  })

  it('begins strictly after any text at all', () => {
    fc.assert(
      fc.property(lists, fc.oneof(tags, repositoryNames, anyText), ({ items, compare }, after) => {
        const expected = items.filter((item) => compare(item, after) > 0)
        assert.deepEqual(cutPage(items, { limit: undefined, after }, compare).items, expected)
      }),
    )
  })
})

describe('the order of a list', () => {
  it('of tags is that of bytes: upper case before lower case, digits before both', () => {
    const sorted = ['1', '10', '2', 'A', 'Z', '_', 'a', 'a-', 'a.', 'aa']
    assert.deepEqual([...sorted].reverse().sort(compareBytes), sorted)
  })

  it('of tags is that of bytes beside any text that a client may send', () => {
    fc.assert(
      fc.property(tags, anyText, (tag, text) => {
        // A lone surrogate cannot come out of a URL.
        fc.pre(!/\p{Cs}/u.test(text))
        assert.equal(Math.sign(compareBytes(tag, text)), Buffer.compare(Buffer.from(tag), Buffer.from(text)))
        assert.equal(compareBytes(text, tag), -compareBytes(tag, text) + 0)
      }),
    )
  })

  it('of a catalog has what lies below a name right after it', () => {
    const sorted = ['a', 'a/b', 'a/b/c', 'a/c', 'a-b', 'a-b/c', 'a.b', 'a0', 'a_b', 'aa', 'b']
    assert.deepEqual([...sorted].reverse().sort(compareNames), sorted)
  })

  it('of a catalog is that of folders: component by component', () => {
    const bySlashFirst = (name: string) => Buffer.from(name.replaceAll('/', '\x01'))
    fc.assert(
      fc.property(repositoryNames, repositoryNames, (a, b) => {
        assert.equal(Math.sign(compareNames(a, b)), Buffer.compare(bySlashFirst(a), bySlashFirst(b)))
      }),
    )
  })
})
