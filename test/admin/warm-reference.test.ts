import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseWarmReference } from '../../src/admin/warm-reference.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { RegistryError } from '../../src/protocol/error.ts'
import type { Tag } from '../../src/protocol/name.ts'

const DIGEST = digestOf('some')

describe('a line of a warm list', () => {
  for (const [text, name, wanted] of [
    ['alpine', 'alpine', { kind: 'tag', tag: 'latest' }],
    ['library/alpine:3.21', 'library/alpine', { kind: 'tag', tag: '3.21' }],
    ['ghcr.io/org/app:v1', 'ghcr.io/org/app', { kind: 'tag', tag: 'v1' }],
    [`team/app@${DIGEST}`, 'team/app', { kind: 'digest', digest: DIGEST }],
    [`team/app:v1@${DIGEST}`, 'team/app', { kind: 'digest', digest: DIGEST }],
  ] as const)
    it(`${text} means ${name} and ${JSON.stringify(wanted)}`, () => {
      assert.deepEqual(parseWarmReference(text), { text, name, wanted })
    })

  it('with a glob means the tags that fit', () => {
    const { wanted } = parseWarmReference('ghcr.io/org/app:v{1,2}.*')
    assert.equal(wanted.kind, 'glob')
    const fits = ['v1.0', 'v2.1-rc', 'v3.0', 'latest'].filter((tag) => wanted.fits(tag as Tag))
    assert.deepEqual(fits, ['v1.0', 'v2.1-rc'])
  })

  for (const [text, code] of [
    ['', 'NAME_INVALID'],
    ['alpine:', 'NAME_INVALID'],
    ['a b', 'NAME_INVALID'],
    ['localhost:5000/alpine:3', 'NAME_INVALID'],
    [`${'a'.repeat(600)}`, 'NAME_INVALID'],
    ['alpine:-3', 'TAG_INVALID'],
    ['alpine@sha256:abc', 'DIGEST_INVALID'],
  ] as const)
    it(`is not ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.throws(
        () => parseWarmReference(text),
        (error) => error instanceof RegistryError && error.code === code,
      )
    })
})
