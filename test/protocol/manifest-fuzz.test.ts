import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blobsOf, MEDIA_TYPES, mediaTypeOf, parseManifest } from '../../src/protocol/manifest.ts'
import { digests } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH, refusesAtMost } from '../support/hostile.ts'
import { bytes, image, read } from './documents.ts'

describe('a manifest', () => {
  const descriptors = fc.record(
    { mediaType: fc.string(), digest: digests, size: fc.nat() },
    { noNullPrototype: true },
  )

  it('names what was put into it, in order', () => {
    fc.assert(
      fc.property(descriptors, fc.array(descriptors), (ofConfig, ofLayers) => {
        const manifest = parseManifest(bytes({ ...image, config: ofConfig, layers: ofLayers }))
        assert.ok(manifest.kind === 'image')
        assert.deepEqual([manifest.config, ...manifest.layers], [ofConfig, ...ofLayers].map(read))
      }),
    )
  })

  it('of arbitrary JSON is refused at most', () => {
    const values = fc.oneof(
      fc.jsonValue(),
      descriptors,
      fc.array(fc.oneof(descriptors, fc.jsonValue())),
      fc.constantFrom<unknown>(1, 2, null, ...Object.values(MEDIA_TYPES)),
    )
    const fields = [
      'schemaVersion',
      'mediaType',
      'config',
      'layers',
      'manifests',
      'fsLayers',
      'subject',
      'annotations',
    ]
    const documents = fc.dictionary(fc.constantFrom(...fields), values)
    fc.assert(
      fc.property(documents, (document) => {
        refusesAtMost(() => blobsOf(parseManifest(bytes({ ...image, ...document }))))
        refusesAtMost(() => blobsOf(parseManifest(bytes(document))))
        refusesAtMost(() => mediaTypeOf(bytes(document)))
      }),
    )
  })

  it('of arbitrary bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (content) => {
        assert.throws(() => parseManifest(content), { code: 'MANIFEST_INVALID' })
      }),
    )
  })

  it('of hostile depth or length is refused at once', () => {
    for (const text of [
      '['.repeat(HOSTILE_LENGTH),
      '{"a":'.repeat(HOSTILE_LENGTH / 5),
      '"'.repeat(HOSTILE_LENGTH),
    ])
      assert.throws(() => comesToAnEnd(() => parseManifest(Buffer.from(text))), { code: 'MANIFEST_INVALID' })
    const mediaType = 'a'.repeat(HOSTILE_LENGTH)
    assert.throws(() => comesToAnEnd(() => parseManifest(bytes({ ...image, mediaType }))), {
      code: 'MANIFEST_INVALID',
    })
  })
})
