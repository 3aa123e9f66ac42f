import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { RegistryError } from '../../src/protocol/error.ts'
import { MEDIA_TYPES, parseManifest } from '../../src/protocol/manifest.ts'
import { namedBy, readPushed, type ValidationRules, validate } from '../../src/push/validation.ts'
import { makeImage, makeIndex, makeManifest } from '../support/images.ts'

const RULES: ValidationRules = { isDisabled: false, allowUrls: [], denyUrls: [], platforms: 'all' }

const IMAGE = makeImage({ layers: [100, 200] })
const ARM = makeImage({ seed: 'arm' })
const INDEX = makeIndex([
  { image: IMAGE, os: 'linux', architecture: 'amd64' },
  { image: ARM, os: 'linux', architecture: 'arm64' },
])

const FOREIGN_TYPE = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'

/** An image whose only layer is foreign. */
const makeForeign = (urls: readonly string[] | undefined, mediaType = FOREIGN_TYPE) =>
  makeManifest({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
    layers: [{ mediaType, digest: digestOf('foreign'), size: 7, ...(urls && { urls }) }],
  })

/** A repository that has everything but the given digests. */
const hasAllBut = (...missing: Digest[]) => {
  const has = async (digest: Digest) => !missing.includes(digest)
  return { hasBlob: has, hasManifest: has }
}

const refusal = async (work: Promise<unknown>): Promise<RegistryError | undefined> => {
  try {
    await work
    return undefined
  } catch (error) {
    assert.ok(error instanceof RegistryError)
    return error
  }
}

describe('what a pushed manifest is made of', () => {
  const cases: readonly [
    what: string,
    bytes: Buffer,
    missing: readonly Digest[],
    rules: Partial<ValidationRules>,
    code: string | undefined,
  ][] = [
    ['is there', IMAGE.manifest.bytes, [], {}, undefined],
    ['has no config', IMAGE.manifest.bytes, [IMAGE.config.digest], {}, 'MANIFEST_BLOB_UNKNOWN'],
    ['lacks a layer', IMAGE.manifest.bytes, [IMAGE.layers[1]!.digest], {}, 'MANIFEST_BLOB_UNKNOWN'],
    ['is not asked for', IMAGE.manifest.bytes, [IMAGE.config.digest], { isDisabled: true }, undefined],
    ['lacks an image of an index', INDEX.bytes, [ARM.manifest.digest], {}, 'MANIFEST_BLOB_UNKNOWN'],
    ['need not be in an index', INDEX.bytes, [ARM.manifest.digest], { platforms: 'none' }, undefined],
    [
      'lacks an image of a listed platform',
      INDEX.bytes,
      [ARM.manifest.digest],
      { platforms: [{ os: 'linux', architecture: 'arm64' }] },
      'MANIFEST_BLOB_UNKNOWN',
    ],
    [
      'lacks an image of a platform that is not listed',
      INDEX.bytes,
      [ARM.manifest.digest],
      { platforms: [{ os: 'linux', architecture: 'amd64' }] },
      undefined,
    ],
  ]
  for (const [what, bytes, missing, rules, code] of cases)
    it(`${what}: ${code ?? 'taken'}`, async () => {
      const error = await refusal(
        validate(parseManifest(bytes), hasAllBut(...missing), { ...RULES, ...rules }),
      )
      assert.equal(error?.code, code)
    })

  it('is named in the error, one entry each', async () => {
    const missing = [IMAGE.config.digest, IMAGE.layers[0]!.digest]
    const error = await refusal(validate(parseManifest(IMAGE.manifest.bytes), hasAllBut(...missing), RULES))
    const { errors } = JSON.parse(error?.toBody() ?? '') as { errors: { detail: { digest: Digest } }[] }
    assert.deepEqual(errors.map(({ detail }) => detail.digest).sort(), [...missing].sort())
  })

  it('is named a hundred times at most', async () => {
    const layers = Array.from({ length: 500 }, (_, i) => ({
      mediaType: 'x',
      digest: digestOf(`${i}`),
      size: 1,
    }))
    const { bytes } = makeManifest({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: layers[0],
      layers,
    })
    const nothing = { hasBlob: async () => false, hasManifest: async () => false }
    const error = await refusal(validate(parseManifest(bytes), nothing, RULES))
    assert.equal(error?.more.length, 99)
  })

  it('does not include its subject', () => {
    const signed = makeImage({ seed: 'signature', layers: [10], subject: IMAGE.manifest })
    assert.deepEqual(namedBy(parseManifest(signed.manifest.bytes)), [
      signed.config.digest,
      signed.layers[0]!.digest,
    ])
  })
})

describe('a foreign layer', () => {
  const URL = 'https://store.example.com/blobs/x'
  const cases: readonly [
    what: string,
    urls: string[] | undefined,
    rules: Partial<ValidationRules>,
    code: string | undefined,
  ][] = [
    ['with a URL need not be there', [URL], {}, undefined],
    ['without URLs must be there', undefined, {}, 'MANIFEST_BLOB_UNKNOWN'],
    ['may have an allowed URL', [URL], { allowUrls: [/^https:\/\/store/u] }, undefined],
    ['must not have another', [URL], { allowUrls: [/^https:\/\/cdn/u] }, 'MANIFEST_INVALID'],
    ['must not have a denied one', [URL], { denyUrls: [/store\.example/u] }, 'MANIFEST_INVALID'],
    [
      'must not have one that is allowed and denied',
      [URL],
      { allowUrls: [/store/u], denyUrls: [/blobs/u] },
      'MANIFEST_INVALID',
    ],
    ['is fetched by http or https', ['ftp://store.example.com/x'], {}, 'MANIFEST_INVALID'],
    ['has no fragment', [`${URL}#x`], {}, 'MANIFEST_INVALID'],
    ['has URLs that are some', ['no URL'], {}, 'MANIFEST_INVALID'],
    ['is not looked at without validation', ['no URL'], { isDisabled: true }, undefined],
  ]
  for (const [what, urls, rules, code] of cases)
    it(`${what}: ${code ?? 'taken'}`, async () => {
      const manifest = parseManifest(makeForeign(urls).bytes)
      const error = await refusal(validate(manifest, hasAllBut(digestOf('foreign')), { ...RULES, ...rules }))
      assert.equal(error?.code, code)
    })

  it('is one by its type: an ordinary layer with URLs must be there', async () => {
    const { bytes } = makeForeign([URL], 'application/vnd.oci.image.layer.v1.tar+gzip')
    const error = await refusal(validate(parseManifest(bytes), hasAllBut(digestOf('foreign')), RULES))
    assert.equal(error?.code, 'MANIFEST_BLOB_UNKNOWN')
  })
})

describe('the type of a pushed manifest', () => {
  const { mediaType: _, ...typeless } = JSON.parse(IMAGE.manifest.bytes.toString()) as Record<string, unknown>
  const bare = Buffer.from(JSON.stringify(typeless))
  const schema1 = Buffer.from(JSON.stringify({ schemaVersion: 1, name: 'a', tag: 'b', fsLayers: [] }))
  const cases: readonly [what: string, bytes: Buffer, contentType: string, isTaken: boolean][] = [
    ['is that of the request', IMAGE.manifest.bytes, MEDIA_TYPES.ociManifest, true],
    ['may have parameters there', IMAGE.manifest.bytes, `${MEDIA_TYPES.ociManifest}; charset=utf-8`, true],
    ['need not be said there', IMAGE.manifest.bytes, '', true],
    ['is not another', IMAGE.manifest.bytes, MEDIA_TYPES.dockerManifest, false],
    ['is not that of an index', IMAGE.manifest.bytes, MEDIA_TYPES.ociIndex, false],
    ['need not be said in an OCI document', bare, MEDIA_TYPES.ociManifest, true],
    ['must be said in one of Docker', bare, MEDIA_TYPES.dockerManifest, false],
    ['is not schema 1', schema1, MEDIA_TYPES.schema1, false],
    ['is that of JSON', Buffer.from('{'), MEDIA_TYPES.ociManifest, false],
  ]
  for (const [what, bytes, contentType, isTaken] of cases)
    it(`${what}: ${isTaken ? 'taken' : 'refused'}`, () => {
      if (isTaken) assert.equal(readPushed(bytes, contentType).kind, 'image')
      else assert.throws(() => readPushed(bytes, contentType), { code: 'MANIFEST_INVALID' })
    })
})
