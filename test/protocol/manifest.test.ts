import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import {
  blobsOf,
  isForeignLayer,
  MEDIA_TYPES,
  mediaTypeOf,
  parseManifest,
} from '../../src/protocol/manifest.ts'
import {
  bytes,
  children,
  config,
  descriptor,
  image,
  index,
  layers,
  read,
  schema1,
  subject,
  without,
} from './documents.ts'

const nothing = { artifactType: undefined, subject: undefined, annotations: undefined }

describe('a manifest', () => {
  it('of an image names its config and its layers', () => {
    for (const mediaType of [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest])
      assert.deepEqual(parseManifest(bytes({ ...image, mediaType })), {
        ...nothing,
        kind: 'image',
        mediaType,
        config: read(config),
        layers: layers.map(read),
      })
  })

  it('that is an index names other manifests', () => {
    for (const mediaType of [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList])
      assert.deepEqual(parseManifest(bytes({ ...index, mediaType })), {
        ...nothing,
        kind: 'index',
        mediaType,
        manifests: children.map(read),
      })
  })

  it('of schema 1 names layers whose sizes it does not tell', () => {
    assert.deepEqual(parseManifest(bytes(schema1)), {
      ...nothing,
      kind: 'schema1',
      mediaType: MEDIA_TYPES.schema1Signed,
      layers: [{ mediaType: '', digest: digestOf('layer 1'), sizeBytes: 0 }],
    })
  })

  it('may have an artifact type, a subject and annotations', () => {
    const manifest = parseManifest(
      bytes({ ...image, artifactType: 'application/x', subject, annotations: { a: 'b' } }),
    )
    assert.equal(manifest.artifactType, 'application/x')
    assert.deepEqual(manifest.subject, read(subject))
    assert.deepEqual(manifest.annotations, { a: 'b' })
  })

  it('keeps of a descriptor what somebody reads: platform, URLs, artifact type', () => {
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7' }
    const entry = {
      ...children[0],
      platform,
      urls: ['https://a/b'],
      artifactType: 'application/x',
      data: 'e30=',
    }
    const manifest = parseManifest(bytes({ ...index, manifests: [entry] }))
    assert.ok(manifest.kind === 'index')
    const { data: _, size: __, ...kept } = entry
    assert.deepEqual(manifest.manifests, [{ ...kept, sizeBytes: children[0]!.size }])
  })

  const accepted: [what: string, document: object, kind: string][] = [
    ['no layers', { ...image, layers: [] }, 'image'],
    ['null for no layers, as Go writes an empty list', { ...image, layers: null }, 'image'],
    [
      'null for what it does not have',
      { ...image, manifests: null, subject: null, annotations: null },
      'image',
    ],
    ['no manifests', { ...index, manifests: [] }, 'index'],
    ['unknown fields', { ...image, 'org.example.custom': { any: ['thing'] } }, 'image'],
    ['unknown fields of a descriptor', { ...image, config: { ...config, newUnspecifiedField: {} } }, 'image'],
    ['unknown media types', { ...image, layers: [descriptor('x', 'application/x-of-tomorrow')] }, 'image'],
    ['a media type of its own that nobody knows', { ...image, mediaType: 'application/vnd.x+json' }, 'image'],
    ['a descriptor without a media type', { ...image, config: without(config, 'mediaType') }, 'image'],
    ['a sha512 digest', { ...image, config: { ...config, digest: digestOf('', 'sha512') } }, 'image'],
    ['an empty blob', { ...image, layers: [descriptor('')] }, 'image'],
    ['a platform without words', { ...index, manifests: [{ ...children[0], platform: {} }] }, 'index'],
    ['annotations of 3.9 MB', { ...image, annotations: { a: 'x'.repeat(3_900_000) } }, 'image'],
  ]
  for (const [what, document, kind] of accepted)
    it(`may have ${what}`, () => {
      assert.equal(parseManifest(bytes(document)).kind, kind)
    })

  const refused: [what: string, content: Uint8Array | object][] = [
    ['empty', Buffer.alloc(0)],
    ['not JSON', Buffer.from('<html>')],
    ['not UTF-8', Buffer.from(JSON.stringify({ ...image, more: '\u00ff' }), 'latin1')],
    ['JSON and something behind it', Buffer.concat([bytes(image), Buffer.from('{}')])],
    ['a list', []],
    ['null', Buffer.from('null')],
    ['nothing in particular', {}],
    ['of no schema version', without(image, 'schemaVersion')],
    ['of another schema version', { ...image, schemaVersion: 3 }],
    ['of a schema version in words', { ...image, schemaVersion: '2' }],
    ['both image and index', { ...image, ...index }],
    ['both image and index, without a media type', without({ ...image, ...index }, 'mediaType')],
    ['both schema 1 and image', { ...image, ...schema1 }],
    ['both schema 1 and index', { ...index, ...schema1, mediaType: MEDIA_TYPES.ociIndex }],
    ['an index by its type and an image by its fields', { ...image, mediaType: MEDIA_TYPES.ociIndex }],
    ['an image by its type and an index by its fields', { ...index, mediaType: MEDIA_TYPES.dockerManifest }],
    ['an image by its type and schema 1 by its fields', { ...schema1, mediaType: MEDIA_TYPES.ociManifest }],
    ['of a media type that is none', { ...image, mediaType: 'text/html\r\nSet-Cookie: a=b' }],
    ['of a media type with parameters', { ...image, mediaType: 'application/json; charset=utf-8' }],
    ['of a media type that is no text', { ...image, mediaType: 5 }],
    ['an image without a config', without(image, 'config')],
    ['an image whose layers are no list', { ...image, layers: {} }],
    ['an image with a layer that is no descriptor', { ...image, layers: ['sha256:…'] }],
    ['an image with a layer that is null', { ...image, layers: [null] }],
    ['an index whose manifests are no list', { ...index, manifests: 'all' }],
    ['a subject that is no descriptor', { ...image, subject: 'sha256:…' }],
    ['a descriptor without a digest', { ...image, config: without(config, 'digest') }],
    ['a descriptor with a digest that is none', { ...image, config: { ...config, digest: 'sha256:bad' } }],
    ['a descriptor without a size', { ...image, config: without(config, 'size') }],
    ['a descriptor with a negative size', { ...image, config: { ...config, size: -1 } }],
    ['a descriptor with half a byte', { ...image, config: { ...config, size: 0.5 } }],
    ['a descriptor with a size in words', { ...image, config: { ...config, size: '5' } }],
    ['a descriptor with a size that cannot be counted', { ...image, config: { ...config, size: 2 ** 60 } }],
    ['a list of too many descriptors', { ...index, manifests: Array(50_001).fill(children[0]) }],
  ]
  for (const [what, content] of refused)
    it(`that is (or has) ${what} is MANIFEST_INVALID`, () => {
      const document = content instanceof Uint8Array ? content : bytes(content)
      assert.throws(() => parseManifest(document), { code: 'MANIFEST_INVALID', status: 400 })
    })

  it('says where it is wrong', () => {
    assert.throws(() => parseManifest(bytes({ ...image, layers: [layers[0], { ...layers[1], size: -1 }] })), {
      message: 'manifest invalid: layers[1].size is not a number of bytes',
    })
  })

  it('is not mistaken by names that JavaScript has another meaning for', () => {
    const text = JSON.stringify({ ...image, annotations: { a: 'b' } }).replace('"a":', '"__proto__":')
    assert.deepEqual(Object.entries(parseManifest(Buffer.from(text)).annotations!), [['__proto__', 'b']])
    const polluted = '{"__proto__":{"schemaVersion":2,"manifests":[]}}'
    assert.throws(() => parseManifest(Buffer.from(polluted)), { code: 'MANIFEST_INVALID' })
  })
})

describe('the media type of stored bytes', () => {
  const table: [what: string, document: object, mediaType: string][] = [
    ['their own word, where they have one', image, MEDIA_TYPES.ociManifest],
    [
      'any other word of theirs, too',
      { ...image, mediaType: 'application/vnd.x+json' },
      'application/vnd.x+json',
    ],
    ['an OCI index, where they have manifests', without(index, 'mediaType'), MEDIA_TYPES.ociIndex],
    ['an OCI manifest, where they have a config', without(image, 'mediaType'), MEDIA_TYPES.ociManifest],
    ['an OCI manifest, where they have layers', { layers: [] }, MEDIA_TYPES.ociManifest],
    ['schema 1, where they have fsLayers', without(schema1, 'signatures'), MEDIA_TYPES.schema1],
    ['signed schema 1, where they are signed', schema1, MEDIA_TYPES.schema1Signed],
    [
      'what the fields say, where the word cannot be sent',
      { ...index, mediaType: 'a/b\r\nc: d' },
      MEDIA_TYPES.ociIndex,
    ],
    ['empty, where nothing tells', { hello: 'world' }, ''],
  ]
  for (const [what, document, mediaType] of table)
    it(`is ${what}`, () => {
      assert.equal(mediaTypeOf(bytes(document)), mediaType)
    })

  it('is not to be had from what is no JSON object', () => {
    for (const text of ['', '[]', 'null', '"x"', '\x00\x01'])
      assert.throws(() => mediaTypeOf(Buffer.from(text)), { code: 'MANIFEST_INVALID' })
  })

  it('is what the parser says, for all that it takes', () => {
    for (const document of [image, index, schema1, without(image, 'mediaType'), without(index, 'mediaType')])
      assert.equal(parseManifest(bytes(document)).mediaType, mediaTypeOf(bytes(document)))
  })
})

describe('the blobs of a manifest', () => {
  const digestsOf = (document: object) => blobsOf(parseManifest(bytes(document))).map(({ digest }) => digest)

  it('are its config and its layers, in order', () => {
    assert.deepEqual(
      digestsOf(image),
      [config, ...layers].map(({ digest }) => digest),
    )
  })

  it('are each named once, however often the manifest does', () => {
    assert.deepEqual(digestsOf({ ...image, config, layers: [config, layers[0], layers[0]] }), [
      config.digest,
      layers[0]!.digest,
    ])
  })

  it('are none for an index, whose children are manifests', () => {
    assert.deepEqual(digestsOf(index), [])
  })

  it('are its layers for schema 1', () => {
    assert.deepEqual(digestsOf(schema1), [digestOf('layer 1')])
  })
})

describe('a foreign layer', () => {
  const table: [mediaType: string, isForeign: boolean][] = [
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', true],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', true],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', false],
    ['application/vnd.oci.image.layer.v1.tar+zstd', false],
    ['', false],
  ]
  for (const [mediaType, isForeign] of table)
    it(`${isForeign ? 'has' : 'has not'} the type ${mediaType === '' ? 'that is empty' : mediaType}`, () => {
      assert.equal(isForeignLayer(read(descriptor('x', mediaType))), isForeign)
    })
})
