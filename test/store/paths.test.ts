import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import * as paths from '../../src/store/paths.ts'
import { digests, repositoryNames, tags } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'

const NAME = 'library/alpine' as RepositoryName
const TAG = 'latest' as Tag
const SHA256 = digestOf('blob')
const SHA512 = digestOf('blob', 'sha512')
const HEX = SHA256.slice('sha256:'.length)
const HEX_512 = SHA512.slice('sha512:'.length)

describe('the layout', () => {
  const REPOSITORY = 'docker/registry/v2/repositories/library/alpine'
  const keys: [what: string, key: string, expected: string][] = [
    ['a blob', paths.blobKey(SHA256), `docker/registry/v2/blobs/sha256/${HEX.slice(0, 2)}/${HEX}/data`],
    [
      'a blob’s folder',
      paths.blobFolder(SHA256),
      `docker/registry/v2/blobs/sha256/${HEX.slice(0, 2)}/${HEX}`,
    ],
    ['a layer', paths.layerLinkKey(NAME, SHA256), `${REPOSITORY}/_layers/sha256/${HEX}/link`],
    ['a sha512 layer', paths.layerLinkKey(NAME, SHA512), `${REPOSITORY}/_layers/sha512/${HEX_512}/link`],
    [
      'a revision',
      paths.revisionLinkKey(NAME, SHA256),
      `${REPOSITORY}/_manifests/revisions/sha256/${HEX}/link`,
    ],
    ['a tag', paths.tagCurrentKey(NAME, TAG), `${REPOSITORY}/_manifests/tags/latest/current/link`],
    [
      'what a tag was',
      paths.tagIndexKey(NAME, TAG, SHA256),
      `${REPOSITORY}/_manifests/tags/latest/index/sha256/${HEX}/link`,
    ],
    ['a mark', paths.markKey(NAME), 'entrepot/repositories/library/alpine/_mark'],
    ['a tag’s age', paths.askedKey(NAME, TAG), 'entrepot/repositories/library/alpine/_asked/latest'],
  ]
  for (const [what, key, expected] of keys)
    it(`has ${what} where distribution, or the drawing, has it`, () => assert.equal(key, expected))

  it('has no key for two things', () => {
    const keysOf = (name: RepositoryName, tag: Tag, digest: Digest): string[] => [
      paths.blobKey(digest),
      paths.layerLinkKey(name, digest),
      paths.revisionLinkKey(name, digest),
      paths.tagCurrentKey(name, tag),
      paths.tagIndexKey(name, tag, digest),
      paths.markKey(name),
      paths.publicKey(name),
      paths.askedKey(name, tag),
      paths.referrerKey(name, digest, digest),
      paths.referrersSeenKey(name),
    ]
    const check = (one: [RepositoryName, Tag, Digest], other: [RepositoryName, Tag, Digest]): void => {
      const both = new Map<string, string>()
      for (const [i, key] of [...keysOf(...one).entries(), ...keysOf(...other).entries()]) {
        const owner = `${i}`
        assert.equal(both.get(key) ?? owner, owner, key)
        both.set(key, owner)
      }
    }
    const thing = fc.tuple(repositoryNames, tags, digests)
    fc.assert(fc.property(thing, thing, check))
  })

  it('lets nobody out of his folder', () => {
    fc.assert(
      fc.property(repositoryNames, tags, digests, (name, tag, digest) => {
        for (const key of [paths.tagIndexKey(name, tag, digest), paths.askedKey(name, tag)])
          assert.ok(!key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
      }),
    )
  })
})

describe('a digest as a file name', () => {
  it('is read as the digest it was made from', () => {
    fc.assert(
      fc.property(digests, (digest) => {
        assert.equal(paths.parseFileDigest(paths.formatFileDigest(digest)), digest)
      }),
    )
  })

  it('is none where it is none', () => {
    for (const name of ['', 'sha256', `sha256:${HEX}x`, `sha256-${HEX}-`, `md5-${HEX}`, 'data'])
      assert.equal(paths.parseFileDigest(name), undefined)
  })
})
