/**
 * An image that is not cached, pulled as dockerd does, three blobs at a time: by itself, and from an upstream like Docker Hub.
 * A mirror has pulled other images before.
 */
import type { Bench, Case } from '../bench.ts'
import { makeImage } from '../image.ts'
import type { Metric } from '../measure/samples.ts'
import { makeCertificate } from '../servers/certificate.ts'
import type { Certificate, ContestantName } from '../servers/server.ts'
import { NAME } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'
import { WIRE } from './cold-blob.ts'

const TOTAL: Metric = { name: 'total s', unit: 's', better: 'less' }
const TAG = 'latest'
export const AT_ONCE = 3

/** Sizes of layers as a real image has them, in bytes: 150 MB in all. */
export const LAYERS = [30e6, 25e6, 22e6, 20e6, 18e6, 15e6, 10e6, 6e6, 3e6, 900e3, 90e3, 10e3]

/** Small images that are pulled before: as many as it takes until code that runs for each is compiled. */
export const BEFORE = 8
export const SMALL = 1 / 1000

const run = async (
  bench: Bench,
  names: readonly ContestantName[],
  certificate: Certificate | undefined,
): Promise<void> => {
  const scale = bench.size(1, 0.1)
  const image = makeImage(
    'cold',
    LAYERS.map((size) => size * scale),
  )
  const before = Array.from({ length: BEFORE }, (_, i) => ({
    tag: `before-${i}`,
    image: makeImage(
      `before ${i}`,
      LAYERS.map((size) => size * SMALL),
    ),
  }))
  const upstream = await Upstream.start(bench.workspace, { ...WIRE, hub: certificate })
  for (const { tag, image: each } of [...before, { tag: TAG, image }])
    await upstream.add(each.blobs, [{ ...each.manifest, tags: [tag] }])
  const options = { upstream: upstream.origin, trustedCaFile: certificate?.caFile }
  await bench.coldRounds(names, options, async (server, round) => {
    const order = { registry: server.url, name: NAME, caFile: certificate?.caFile, atOnce: AT_ONCE }
    for (const { tag } of before) await bench.clients.pullImage({ ...order, tag })
    bench.note(TOTAL, server, round, await bench.clients.pullImage({ ...order, tag: TAG }))
  })
}

export const coldImage: Case = {
  name: 'cold-image',
  title: 'cold image of 12 layers, 150 MB, three at a time, upstream at 50 MB/s and 20 ms',
  form: 'full',
  run: (bench) =>
    run(bench, ['direct', 'entrepot', 'docker-registry', 'distribution', 'nginx-cache'], undefined),
}

export const coldImageHub: Case = {
  name: 'cold-image-hub',
  title: 'the same over TLS, where the upstream wants a token and redirects blobs to another host',
  form: 'full',
  run: async (bench) =>
    run(
      bench,
      ['direct', 'entrepot', 'docker-registry', 'distribution'],
      await makeCertificate(bench.workspace),
    ),
}
