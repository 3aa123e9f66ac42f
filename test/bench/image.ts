/** Images of the benchmark: manifests whose config and layers are blobs of noise. Nobody unpacks them. */
import { makeManifest, type TestManifest } from '../support/images.ts'
import { type Blob, makeBlob } from './content.ts'

const CONFIG_BYTES = 2000

/** An image and everything it is made of. */
export interface Image {
  readonly manifest: TestManifest
  /** Config and layers. */
  readonly blobs: readonly Blob[]
}

const describe = ({ digest, sizeBytes }: Blob, mediaType: string) => ({ mediaType, digest, size: sizeBytes })

/** An OCI image of layers of the given sizes, in bytes. */
export const makeImage = (seed: string, layerBytes: readonly number[]): Image => {
  const config = makeBlob({ seed: `${seed} config`, sizeBytes: CONFIG_BYTES })
  const layers = layerBytes.map((sizeBytes, i) => makeBlob({ seed: `${seed} layer ${i}`, sizeBytes }))
  const manifest = makeManifest({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: describe(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => describe(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')),
  })
  return { manifest, blobs: [config, ...layers] }
}
