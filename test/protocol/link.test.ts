import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatNextLink, parseNextLink } from '../../src/protocol/link.ts'
import { anyText } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH } from '../support/hostile.ts'

const NEXT = '/v2/a/b/tags/list?last=t&n=5'

describe('Link to the next page', () => {
  const table: [what: string, header: string | string[] | undefined, target: string | undefined][] = [
    ['a path, as distribution sends it', `<${NEXT}>; rel="next"`, NEXT],
    ['an absolute URL', `<https://registry.example${NEXT}>; rel="next"`, `https://registry.example${NEXT}`],
    ['a query alone', '<?last=t&n=5>; rel="next"', '?last=t&n=5'],
    ['a relation without quotes', `<${NEXT}>;rel=next`, NEXT],
    ['a relation in any case', `<${NEXT}>; REL="Next"`, NEXT],
    ['several relations', `<${NEXT}>; rel="last next"`, NEXT],
    ['other parameters', `<${NEXT}>; title="a, b; c"; rel="next"; type=application/json`, NEXT],
    ['other links before it', `</first>; rel="first", <${NEXT}>; rel="next"`, NEXT],
    ['other links after it', `<${NEXT}>; rel="next", </last>; rel="last"`, NEXT],
    ['several lines', ['</first>; rel="first"', `<${NEXT}>; rel="next"`], NEXT],
    ['blanks everywhere', `  <${NEXT}>  ;  rel  =  "next"  `, NEXT],
    ['a comma and a semicolon in the target', '</list?a=1,2;3>; rel="next"', '/list?a=1,2;3'],
    ['an empty parameter', `<${NEXT}>;; rel="next"`, NEXT],
    ['nothing', undefined, undefined],
    ['an empty text', '', undefined],
    ['no relation', `<${NEXT}>`, undefined],
    ['another relation', `<${NEXT}>; rel="prev"`, undefined],
    ['a relation that only resembles it', `<${NEXT}>; rel="nextish"`, undefined],
    ['two relations, of which the first counts', `<${NEXT}>; rel="prev"; rel="next"`, undefined],
    ['another parameter that says next', `<${NEXT}>; title="next"`, undefined],
    ['an empty target, which would lead to the same page for ever', '<>; rel="next"', undefined],
    ['a target without brackets', `${NEXT}; rel="next"`, undefined],
    ['a bracket that is not closed', `<${NEXT}; rel="next"`, undefined],
    ['a quote that is not closed', `<${NEXT}>; rel="next`, undefined],
    ['a target that is too long', `</${'x'.repeat(20_000)}>; rel="next"`, undefined],
  ]
  for (const [what, header, target] of table)
    it(`${target === undefined ? 'is not read from' : 'may have'} ${what}`, () => {
      assert.equal(parseNextLink(header), target)
    })

  it('is written as a path and an escaped query', () => {
    assert.equal(
      formatNextLink('/v2/a/b/tags/list', { last: 'v1.0', n: 5 }),
      '</v2/a/b/tags/list?last=v1.0&n=5>; rel="next"',
    )
    assert.equal(
      formatNextLink('/v2/_catalog', { last: 'a/b', n: undefined }),
      '</v2/_catalog?last=a%2Fb>; rel="next"',
    )
    assert.equal(
      formatNextLink('/v2/a/referrers/sha256:0', { artifactType: ['a/b', 'c'], last: 'd' }),
      '</v2/a/referrers/sha256:0?artifactType=a%2Fb&artifactType=c&last=d>; rel="next"',
    )
    assert.equal(
      formatNextLink('https://registry.example/v2/_catalog', { last: '>; rel="x", <\r\n&=' }),
      '<https://registry.example/v2/_catalog?last=%3E%3B+rel%3D%22x%22%2C+%3C%0D%0A%26%3D>; rel="next"',
    )
  })

  it('leads to what it was made of, whatever that is', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), (last, n) => {
        const link = formatNextLink('/v2/a/tags/list', { last, n })
        assert.match(link, /^[\x21-\x7e]+; rel="next"$/)
        const { pathname, searchParams } = new URL(parseNextLink(link)!, 'http://host')
        assert.equal(pathname, '/v2/a/tags/list')
        assert.deepEqual(
          [...searchParams],
          [
            ['last', last],
            ['n', String(n)],
          ],
        )
      }),
    )
  })

  it('of arbitrary text never throws', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const header of [text, `<${text}>; rel="next"`, `<a>;${text}`, `<a>; rel="${text}`])
          assert.notEqual(parseNextLink(header), '')
      }),
    )
  })

  it('of hostile lines is read at once', () => {
    for (const unit of [
      ' ',
      ',',
      ';',
      '<',
      '<>',
      '<a>',
      ';a',
      '; ',
      '="',
      '\\"',
      ';a="',
      ';a="\\',
      'a =',
      ', <a>;a',
    ])
      for (const start of ['', '<a>', '<a>;rel="', '<a>;rel']) {
        const line = start + unit.repeat(10_000 / unit.length)
        comesToAnEnd(() => parseNextLink(Array<string>(HOSTILE_LENGTH / 10_000).fill(line)))
      }
  })
})
