import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { parseRepositoryName, parseTag } from '../../src/protocol/name.ts'
import { checkConditions, createImmutable } from '../../src/push/precondition.ts'

const NAME = parseRepositoryName('team/app')
const REFERENCE = { kind: 'tag', tag: parseTag('1.0') } as const
const OLD = digestOf('old')
const NEW = digestOf('new')

describe('the conditions of a push', () => {
  const cases: readonly [
    what: string,
    ifMatch: string,
    ifNoneMatch: string,
    current: boolean,
    holds: boolean,
  ][] = [
    ['none at all', '', '', true, true],
    ['If-Match of what is there', `"${OLD}"`, '', true, true],
    ['If-Match without quotes', OLD, '', true, true],
    ['If-Match of one among several', `"${NEW}", "${OLD}"`, '', true, true],
    ['If-Match of something else', `"${NEW}"`, '', true, false],
    ['If-Match where nothing is there', `"${OLD}"`, '', false, false],
    ['If-Match: * of anything', '*', '', true, true],
    ['If-Match: * where nothing is there', '*', '', false, false],
    ['If-None-Match: * where nothing is there', '', '*', false, true],
    ['If-None-Match: * where something is', '', '*', true, false],
    ['If-None-Match of what is there', '', `W/"${OLD}"`, true, false],
    ['If-None-Match of something else', '', `"${NEW}"`, true, true],
  ]
  for (const [what, ifMatch, ifNoneMatch, isThere, holds] of cases)
    it(`${what} ${holds ? 'hold' : 'do not hold'}`, () => {
      const check = () =>
        checkConditions({ ifMatch, ifNoneMatch }, NAME, REFERENCE, isThere ? OLD : undefined)
      if (holds) check()
      else assert.throws(check, { status: 412 })
    })
})

describe('immutable tags', () => {
  const isImmutable = createImmutable([
    { repositories: ['team/**'], tags: ['v*', '[0-9]*'] },
    { repositories: ['**'], tags: ['release'] },
  ])
  const cases: readonly [name: string, tag: string, isFixed: boolean][] = [
    ['team/app', 'v1', true],
    ['team/deep/app', '1.0', true],
    ['team/app', 'latest', false],
    ['other/app', 'v1', false],
    ['other', 'release', true],
  ]
  for (const [name, tag, isFixed] of cases)
    it(`${name}:${tag} is ${isFixed ? '' : 'not '}one`, () => {
      assert.equal(isImmutable(parseRepositoryName(name), parseTag(tag)), isFixed)
    })

  it('are none without rules', () => {
    assert.equal(createImmutable([])(NAME, REFERENCE.tag), false)
  })
})
