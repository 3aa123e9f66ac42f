/** Documents to read and to break: an image, an index and a manifest of schema 1. */
import { digestOf } from '../../src/protocol/digest.ts'
import { type Descriptor, MEDIA_TYPES } from '../../src/protocol/manifest.ts'

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** The descriptor of a text, as it travels. */
export const descriptor = (content: string, mediaType = LAYER_TYPE) => ({
  mediaType,
  digest: digestOf(content),
  size: content.length,
})
/** The same as entrepot reads it. */
export const read = ({ size, ...rest }: ReturnType<typeof descriptor>): Descriptor => ({
  ...rest,
  sizeBytes: size,
})

export const config = descriptor('config', CONFIG_TYPE)
export const layers = [descriptor('layer 1'), descriptor('layer two')]
export const subject = descriptor('subject', MEDIA_TYPES.ociManifest)
export const image = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers }
export const children = [
  descriptor('amd64', MEDIA_TYPES.ociManifest),
  descriptor('arm64', MEDIA_TYPES.ociManifest),
]
export const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: children }
export const schema1 = {
  schemaVersion: 1,
  name: 'a',
  tag: 'b',
  fsLayers: [{ blobSum: digestOf('layer 1') }],
  signatures: [{}],
}

/** A document as it travels. */
export const bytes = (document: unknown): Buffer => Buffer.from(JSON.stringify(document))
/** A document with one field left out. */
export const without = (document: object, field: string): object =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== field))
