import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { MEDIA_TYPES, parseManifest } from '../../src/protocol/manifest.ts'
import { isTag } from '../../src/protocol/name.ts'
import {
  cutReferrers,
  filterReferrers,
  formatReferrers,
  type Referrer,
  referrersTag,
  toReferrer,
} from '../../src/protocol/referrers.ts'
import { digests } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'

const descriptor = (mediaType: string) => ({ mediaType, digest: digestOf(mediaType), size: 5 })
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const image = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.ociManifest,
  config: descriptor(CONFIG_TYPE),
  layers: [],
  subject: descriptor(MEDIA_TYPES.ociManifest),
}
const index = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.ociIndex,
  manifests: [],
  subject: descriptor(MEDIA_TYPES.ociManifest),
}

const DIGEST = digestOf('the referrer')
const entryOf = (document: object): Referrer =>
  toReferrer(parseManifest(Buffer.from(JSON.stringify(document))), DIGEST, 123)

describe('an entry of the referrers list', () => {
  const ofImage = { mediaType: MEDIA_TYPES.ociManifest, digest: DIGEST, size: 123 }
  const ofIndex = { ...ofImage, mediaType: MEDIA_TYPES.ociIndex }
  const artifactType = 'application/vnd.example.sbom'
  const annotations = { 'org.opencontainers.image.created': '2026-01-02T03:04:05Z' }

  const table: [what: string, document: object, entry: object][] = [
    ['an artifact has its own type', { ...image, artifactType }, { ...ofImage, artifactType }],
    ['an image has the type of its config', image, { ...ofImage, artifactType: CONFIG_TYPE }],
    [
      'an image with an empty type of its own has that of its config',
      { ...image, artifactType: '' },
      { ...ofImage, artifactType: CONFIG_TYPE },
    ],
    ['an index has its own type', { ...index, artifactType }, { ...ofIndex, artifactType }],
    ['an index without its own type has none', index, ofIndex],
    ['a manifest has its annotations', { ...index, annotations }, { ...ofIndex, annotations }],
    ['a manifest with empty annotations has none', { ...index, annotations: {} }, ofIndex],
  ]
  for (const [what, document, entry] of table)
    it(`for ${what}`, () => {
      assert.deepEqual(entryOf(document), entry)
    })
})

describe('the referrers list', () => {
  it('is an OCI index', () => {
    const entry = entryOf(image)
    assert.deepEqual(JSON.parse(formatReferrers([entry])), {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [entry],
    })
  })

  it('of nothing is an index of no manifests', () => {
    assert.deepEqual(JSON.parse(formatReferrers([])).manifests, [])
  })

  const entries = [{ artifactType: 'a' }, { artifactType: 'b' }, {}, { artifactType: 5 }]

  it('holds all types where none is asked for', () => {
    assert.deepEqual(filterReferrers(entries, []), entries)
  })

  it('holds one type where it is asked for, exactly as it is written', () => {
    assert.deepEqual(filterReferrers(entries, ['a']), [entries[0]])
    assert.deepEqual(filterReferrers(entries, ['A']), [])
    assert.deepEqual(filterReferrers(entries, ['undefined']), [])
  })

  it('holds any of several types', () => {
    assert.deepEqual(filterReferrers(entries, ['b', 'a']), [entries[0], entries[1]])
  })

  const lists = fc.uniqueArray(fc.record({ digest: digests, text: fc.string() }), {
    selector: ({ digest }) => digest,
  })

  it('is cut into pages that clients can take, nothing twice and nothing left out', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 1000 }), (list, maxBytes) => {
        const seen: typeof list = []
        let after: string | undefined
        do {
          const page = cutReferrers(list, after, maxBytes)
          const sizeBytes = Buffer.byteLength(JSON.stringify(page.items))
          assert.ok(page.items.length <= 1 || sizeBytes <= maxBytes + 1)
          seen.push(...page.items)
          after = page.next
        } while (after !== undefined)
        assert.deepEqual(
          seen,
          [...list].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
        )
      }),
    )
  })

  it('that fits one page is one page', () => {
    const list = [{ digest: 'b' }, { digest: 'a' }]
    assert.deepEqual(cutReferrers(list), { items: [{ digest: 'a' }, { digest: 'b' }], next: undefined })
    assert.deepEqual(cutReferrers([]), { items: [], next: undefined })
  })

  it('leaves out what an upstream nested too deep to be written', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    const page = cutReferrers([
      { digest: 'a', data: deep },
      { digest: 'b', platform: { os: 'linux', features: ['x'] } },
    ])
    assert.deepEqual(
      page.items.map(({ digest }) => digest),
      ['b'],
    )
    assert.doesNotThrow(() => formatReferrers(page.items))
  })

  it('is given in the order of digests, and left in its own', () => {
    const list = [{ digest: 'b' }, { digest: 'a' }]
    cutReferrers(list)
    assert.deepEqual(list, [{ digest: 'b' }, { digest: 'a' }])
  })
})

describe('the tag of the tag schema', () => {
  it('is the digest with a dash for its colon', () => {
    assert.equal(referrersTag(digestOf('')), `sha256-${digestOf('').slice(7)}`)
  })

  it('holds the first 64 digits of a sha512', () => {
    const digest = digestOf('', 'sha512')
    assert.equal(referrersTag(digest), `sha512-${digest.slice(7, 71)}`)
  })

  it('is a tag', () => {
    fc.assert(fc.property(digests, (digest) => assert.ok(isTag(referrersTag(digest)))))
  })
})
