/** Images with compressed layers: the same config, so the same image id, and other blobs. */
import { execFileSync } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { bufferContent } from '../../support/bytes.ts'
import { descriptorOf, makeManifest, type TestBlob, type TestImage } from '../../support/images.ts'

/** How to compress a layer, and what its media type is then. */
const COMPRESSIONS = {
  gzip: { compress: (tar: Buffer): Buffer => gzipSync(tar), suffix: { oci: '+gzip', docker: '.gzip' } },
  zstd: {
    compress: (tar: Buffer): Buffer => execFileSync('zstd', ['--stdout', '--quiet'], { input: tar }),
    suffix: { oci: '+zstd', docker: '.zstd' },
  },
} as const

/** `image` with each of its layers, plain tar archives, compressed. `zstd` needs the command of that name. */
export const compressLayers = async (
  image: TestImage,
  compression: keyof typeof COMPRESSIONS,
): Promise<TestImage> => {
  const { compress, suffix } = COMPRESSIONS[compression]
  const compressLayer = async (layer: TestBlob): Promise<TestBlob> => {
    const tar = await buffer(layer.stream(0, layer.sizeBytes - 1))
    const flavour = layer.mediaType.includes('docker') ? 'docker' : 'oci'
    return { ...bufferContent(compress(tar)), mediaType: `${layer.mediaType}${suffix[flavour]}` }
  }
  const layers = await Promise.all(image.layers.map(compressLayer))
  const manifest = makeManifest({
    schemaVersion: 2,
    mediaType: image.manifest.mediaType,
    config: descriptorOf(image.config),
    layers: layers.map(descriptorOf),
  })
  return { manifest, config: image.config, layers }
}
