import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  formatImage,
  formatReference,
  isRepositoryName,
  isTag,
  parseReference,
  parseRepositoryName,
  parseTag,
} from '../../src/protocol/name.ts'
import { anyText, digests, repositoryNames, tags } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH, refusesAtMost } from '../support/hostile.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`

describe('a repository name', () => {
  const taken = [
    'alpine',
    'library/alpine',
    'a',
    '0',
    'a/b/c/d/e/f',
    'a.b',
    'a_b',
    'a__b',
    'a-b',
    'a-----b',
    'foo/tags/list',
    'blobs/uploads',
    'localhost/app',
    'registry.example/app',
    'a'.repeat(255),
  ]
  for (const text of taken)
    it(`may be ${text.slice(0, 40)}`, () => {
      assert.equal(parseRepositoryName(text), text)
    })

  const refused: [why: string, text: string][] = [
    ['empty', ''],
    ['of more than 255 characters', 'a'.repeat(256)],
    ['in upper case', 'Alpine'],
    ['with a leading slash', '/a'],
    ['with a trailing slash', 'a/'],
    ['with an empty component', 'a//b'],
    ['with a leading separator', '-a'],
    ['with a trailing separator', 'a/b-'],
    ['with two dots', 'a..b'],
    ['with three underscores', 'a___b'],
    ['with two kinds of separator together', 'a.-b'],
    ['one dot', '.'],
    ['a way out of its folder', 'a/../../b'],
    ['with a component that the store keeps to itself', 'a/_layers'],
    ['that of the catalog', '_catalog'],
    ['with a port', 'localhost:5000/app'],
    ['with a tag', 'alpine:latest'],
    ['with a blank', 'a b'],
    ['followed by a line feed', 'alpine\n'],
    ['with a null byte', 'a\0b'],
    ['percent-encoded', 'a%2fb'],
    ['with a back slash', 'a\\b'],
    ['with a letter that is not ASCII', 'café'],
    ['with a letter that looks like ASCII in lower case only', 'alpi\u212Ae'],
  ]
  for (const [why, text] of refused)
    it(`that is ${why} is NAME_INVALID`, () => {
      assert.equal(isRepositoryName(text), false)
      assert.throws(() => parseRepositoryName(text), { code: 'NAME_INVALID', status: 400 })
    })

  it('of the grammar is always taken, up to its greatest length', () => {
    fc.assert(
      fc.property(repositoryNames, (name) => assert.equal(isRepositoryName(name), name.length <= 255)),
    )
  })

  it('that was taken is a path inside of its folder', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, repositoryNames), (text) => {
        if (!isRepositoryName(text)) return
        assert.equal(new URL(`http://host/v2/${text}/x`).pathname, `/v2/${text}/x`)
        assert.ok(text.split('/').every((component) => /^[a-z0-9]/.test(component)))
      }),
    )
  })

  it('of hostile length is refused at once', () => {
    for (const unit of ['a', '-', 'a-', 'a_', 'a__', 'a/', '.', '/'])
      assert.equal(
        comesToAnEnd(() => isRepositoryName(`a${unit.repeat(HOSTILE_LENGTH / unit.length)}!`)),
        false,
      )
  })
})

describe('a tag', () => {
  for (const text of ['latest', '1.0', 'V1', '_', '_internal', 'a.b-c_d', '0', 'a..b', 'x'.repeat(128)])
    it(`may be ${text.slice(0, 40)}`, () => {
      assert.equal(parseTag(text), text)
    })

  const refused: [why: string, text: string][] = [
    ['empty', ''],
    ['of more than 128 characters', 'x'.repeat(129)],
    ['with a leading dot', '.INVALID_MANIFEST_NAME'],
    ['with a leading dash', '-a'],
    ['two dots', '..'],
    ['with a slash', 'a/b'],
    ['with a colon', 'a:b'],
    ['with a plus', '1.0+build'],
    ['with a blank', 'a b'],
    ['followed by a line feed', 'latest\n'],
    ['with a letter that is not ASCII', 'é'],
  ]
  for (const [why, text] of refused)
    it(`that is ${why} is TAG_INVALID`, () => {
      assert.equal(isTag(text), false)
      assert.throws(() => parseTag(text), { code: 'TAG_INVALID', status: 400 })
    })

  it('of hostile length is refused at once', () => {
    assert.equal(
      comesToAnEnd(() => isTag(`a${'-'.repeat(HOSTILE_LENGTH)}`)),
      false,
    )
  })
})

describe('a reference', () => {
  it('is a tag where it has no colon', () => {
    assert.deepEqual(parseReference('latest'), { kind: 'tag', tag: 'latest' })
  })

  it('is a digest where it has a colon', () => {
    assert.deepEqual(parseReference(DIGEST), { kind: 'digest', digest: DIGEST })
  })

  it('is a tag even where it looks like the hex of a digest', () => {
    assert.deepEqual(parseReference('0'.repeat(64)), { kind: 'tag', tag: '0'.repeat(64) })
  })

  it('that is neither by form is none, which the caller answers with 404 or 400', () => {
    for (const text of ['', '.INVALID_MANIFEST_NAME', 'a/b', 'a b', '%zz'])
      assert.equal(parseReference(text), undefined)
  })

  it('with a colon that is no digest is DIGEST_INVALID', () => {
    for (const text of ['sha256:totallywrong', 'latest:1', ':', 'blake3:00'])
      assert.throws(() => parseReference(text), { code: 'DIGEST_INVALID', status: 400 })
  })

  it('is written as it was read', () => {
    fc.assert(
      fc.property(fc.oneof(tags, digests), (text) => {
        const reference = parseReference(text)
        assert.ok(reference)
        assert.equal(formatReference(reference), text)
      }),
    )
  })

  it('stands behind its repository as people write it', () => {
    assert.equal(formatImage('library/alpine', parseReference('3.20')!), 'library/alpine:3.20')
    assert.equal(formatImage('library/alpine', parseReference(DIGEST)!), `library/alpine@${DIGEST}`)
  })

  it('of arbitrary text is refused at most', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        refusesAtMost(() => parseReference(text))
        refusesAtMost(() => parseRepositoryName(text))
        refusesAtMost(() => parseTag(text))
      }),
    )
  })
})
