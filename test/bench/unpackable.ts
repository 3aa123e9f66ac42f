/**
 * Images that an engine unpacks: layers are gzip of a tar of one file of noise, stored and not deflated, so that they are
 * of the size that was asked for and cheap to make. They are made in the process that sends them, and kept in memory.
 */
import { gzipSync } from 'node:zlib'
import { digestOf } from '../../src/protocol/digest.ts'
import { bufferContent, seededBytes } from '../support/bytes.ts'
import { descriptorOf, makeManifest, makeTar, type TestBlob, type TestManifest } from '../support/images.ts'

/** What an image is made of. */
export interface UnpackableRecipe {
  /** Other seed, other bytes in every layer. */
  readonly seed: string
  /** Sizes of what is in the layers, in bytes; a layer is larger by a few kilobytes at most. */
  readonly layerBytes: readonly number[]
}

/** An image, and the bytes of all that it is made of. */
export interface Unpackable {
  readonly manifest: TestManifest
  /** Config and layers. */
  readonly blobs: readonly (TestBlob & { readonly bytes: Buffer })[]
}

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'

const makeBlob = (bytes: Buffer, mediaType: string) => ({ ...bufferContent(bytes), bytes, mediaType })

/** An OCI image as `recipe` says, the same every time. */
export const makeUnpackable = ({ seed, layerBytes }: UnpackableRecipe): Unpackable => {
  const tars = layerBytes.map((sizeBytes, i) => makeTar(`layer-${i}`, seededBytes(sizeBytes, `${seed} ${i}`)))
  const layers = tars.map((tar) => makeBlob(gzipSync(tar, { level: 0 }), LAYER_TYPE))
  const rootfs = { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) }
  const text = JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs })
  const config = makeBlob(Buffer.from(text), CONFIG_TYPE)
  const manifest = makeManifest({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
  })
  return { manifest, blobs: [config, ...layers] }
}
