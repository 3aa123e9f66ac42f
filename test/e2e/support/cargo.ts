/** The images that the upstream of the end-to-end tests has. */
import { makeImage, makeIndex, type TestImage, type TestManifest } from '../../support/images.ts'
import { compressLayers } from './compress.ts'
import type { Hub } from './upstream/hub.ts'

const BIG_LAYER_BYTES = 300_000_000

/** An image at the upstream. */
export interface Shipped {
  /** Repository, as the upstream knows it. */
  readonly name: string
  readonly tag: string
  readonly image: TestImage
}

/** An index at the upstream, with its images. */
export interface ShippedIndex {
  readonly name: string
  readonly tag: string
  readonly index: TestManifest
  readonly images: readonly TestImage[]
  /** The image for linux/amd64. */
  readonly amd64: TestImage
}

const ship = async (hub: Hub, name: string, image: TestImage): Promise<Shipped> => {
  await hub.push(name, image, '1')
  return { name, tag: '1', image }
}

/** A Docker image of two gzip layers, in a repository of an organisation. */
export const shipPlain = async (hub: Hub, name = 'e2e/plain'): Promise<Shipped> =>
  ship(hub, name, await compressLayers(makeImage({ seed: name, flavour: 'docker' }), 'gzip'))

/** A Docker image in `library/`, as the Hub keeps its official images. */
export const shipOfficial = (hub: Hub): Promise<Shipped> => shipPlain(hub, 'library/e2e-official')

/** An OCI image of zstd layers. */
export const shipZstd = async (hub: Hub): Promise<Shipped> =>
  ship(hub, 'e2e/zstd', await compressLayers(makeImage({ seed: 'zstd' }), 'zstd'))

/** An image with a layer of 300 MB, uncompressed, between two small ones. */
export const shipBig = (hub: Hub): Promise<Shipped> =>
  ship(hub, 'e2e/big', makeImage({ seed: 'big', flavour: 'docker', layers: [2000, BIG_LAYER_BYTES, 2000] }))

/** An OCI index of images for linux/amd64 and linux/arm64. */
export const shipIndex = async (hub: Hub): Promise<ShippedIndex> => {
  const name = 'e2e/multi'
  const ports = ['amd64', 'arm64'].map((architecture) => ({
    image: makeImage({ seed: `multi-${architecture}`, architecture }),
    os: 'linux',
    architecture,
  }))
  for (const { image } of ports) await hub.push(name, image)
  const index = makeIndex(ports)
  await hub.pushIndex(name, index, '1')
  const images = ports.map(({ image }) => image)
  return { name, tag: '1', index, images, amd64: images[0]! }
}
