/**
 * Small valid images in memory, with the same bytes on every run. Layers are real tar archives, so real clients can
 * pull them too.
 *
 *     const image = makeImage({ layers: [1000, 70_000] })
 *     const index = makeIndex([
 *       { image, os: 'linux', architecture: 'amd64' },
 *       { image: makeImage({ seed: 'arm' }), os: 'linux', architecture: 'arm64' },
 *     ])
 */
import type { Digest } from '../../src/protocol/digest.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { MEDIA_TYPES } from '../../src/protocol/manifest.ts'
import { bufferContent, type Content, seededBytes } from './bytes.ts'

/** A blob with its media type. */
export interface TestBlob extends Content {
  readonly mediaType: string
}

/** A manifest or an index as it travels. */
export interface TestManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Buffer
}

/** An image: manifest, config and layers. */
export interface TestImage {
  readonly manifest: TestManifest
  readonly config: TestBlob
  readonly layers: readonly TestBlob[]
}

/** What kind of image to make. All optional: by default an OCI image of two small layers. */
export interface ImageOptions {
  /** Each a number of bytes (a tar of one file of that size), bytes as they are, or generated content. */
  readonly layers?: readonly (number | Buffer | Content)[]
  /** Other seed, other bytes. */
  readonly seed?: string
  readonly flavour?: 'oci' | 'docker'
  readonly architecture?: string
  readonly artifactType?: string
  readonly subject?: TestManifest
  readonly annotations?: Readonly<Record<string, string>>
}

const TYPES = {
  oci: {
    manifest: MEDIA_TYPES.ociManifest,
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar',
  },
  docker: {
    manifest: MEDIA_TYPES.dockerManifest,
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar',
  },
} as const

const TAR_BLOCK_BYTES = 512

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

const tarHeader = (path: string, sizeBytes: number): Buffer => {
  const header = Buffer.alloc(TAR_BLOCK_BYTES)
  header.write(path, 0)
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(sizeBytes, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const checksum = header.reduce((sum, byte) => sum + byte, 0)
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** A tar archive of one file. */
export const makeTar = (path: string, bytes: Buffer): Buffer => {
  const padding = Buffer.alloc((TAR_BLOCK_BYTES - (bytes.length % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES)
  return Buffer.concat([tarHeader(path, bytes.length), bytes, padding, Buffer.alloc(2 * TAR_BLOCK_BYTES)])
}

/** Fields of a descriptor of `content`. */
export const descriptorOf = (
  content: { digest: Digest; mediaType: string } & ({ sizeBytes: number } | { bytes: Buffer }),
) => ({
  mediaType: content.mediaType,
  digest: content.digest,
  size: 'bytes' in content ? content.bytes.length : content.sizeBytes,
})

/** A manifest of any JSON document. */
export const makeManifest = (
  document: { readonly mediaType: string } & Record<string, unknown>,
): TestManifest => {
  const bytes = Buffer.from(JSON.stringify(document, undefined, 2))
  return { digest: digestOf(bytes), mediaType: document.mediaType, bytes }
}

const makeLayer = (layer: number | Buffer | Content, seed: string, mediaType: string): TestBlob => {
  if (typeof layer === 'number')
    return makeLayer(makeTar(`${seed}.bin`, seededBytes(layer, seed)), seed, mediaType)
  return { ...(Buffer.isBuffer(layer) ? bufferContent(layer) : layer), mediaType }
}

/** An image as {@link ImageOptions} say. */
export const makeImage = (options: ImageOptions = {}): TestImage => {
  const { layers: wanted = [3000, 9000], seed = 'image', flavour = 'oci', architecture = 'amd64' } = options
  const types = TYPES[flavour]
  const layers = wanted.map((layer, i) => makeLayer(layer, `${seed}-${i}`, types.layer))
  const configBytes = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: '2020-01-01T00:00:00Z',
      config: { Labels: { seed } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  )
  const config = { ...bufferContent(configBytes), mediaType: types.config }
  const manifest = makeManifest({
    schemaVersion: 2,
    mediaType: types.manifest,
    ...(options.artifactType !== undefined && { artifactType: options.artifactType }),
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
    ...(options.subject !== undefined && { subject: descriptorOf(options.subject) }),
    ...(options.annotations !== undefined && { annotations: options.annotations }),
  })
  return { manifest, config, layers }
}

/** One entry of an index. */
export interface IndexEntry {
  readonly image: TestImage
  readonly os: string
  readonly architecture: string
}

/** An OCI index, or a Docker manifest list, of images. */
export const makeIndex = (entries: readonly IndexEntry[], flavour: 'oci' | 'docker' = 'oci'): TestManifest =>
  makeManifest({
    schemaVersion: 2,
    mediaType: flavour === 'oci' ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.dockerList,
    manifests: entries.map(({ image, os, architecture }) => ({
      ...descriptorOf(image.manifest),
      platform: { os, architecture },
    })),
  })
