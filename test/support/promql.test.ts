import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { groupingsOf, selectorsOf } from './promql.ts'

const cases: [query: string, selected: string[], grouped: string[]][] = [
  ['up', ['up'], []],
  ['up == 0', ['up'], []],
  ['sum by (a, b) (rate(x_total{c="1", d!~"2}"}[5m])) / 2', ['x_total{c="1", d!~"2}"}'], ['a', 'b']],
  ['a_b - time() < 14 * 86400', ['a_b'], []],
  ['(sum(rate(x{a="("}[$__rate_interval])) or vector(0)) / y', ['x{a="("}', 'y'], []],
  ['histogram_quantile(0.99, sum by (le) (rate(x_bucket[1h] offset 1d)))', ['x_bucket'], ['le']],
  ['a < 0.1 and on (i, u) b == 1', ['a', 'b'], ['i', 'u']],
  ['count(a == 0) or vector(0)', ['a'], []],
  ['1e3 + NaN', ['NaN'], []],
]

describe('a query', () => {
  for (const [query, selected, grouped] of cases)
    it(`is taken apart: ${query}`, () => {
      assert.deepEqual(
        selectorsOf(query).map(({ metric, matchers }) => metric + matchers),
        selected,
      )
      assert.deepEqual(groupingsOf(query), grouped)
    })

  it('tells the labels that it matches', () => {
    assert.deepEqual(selectorsOf('x{a="b=c", d!~"e", f!="g"}')[0]?.labels, ['a', 'd', 'f'])
  })
})
