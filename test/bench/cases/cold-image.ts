/** An image that is not cached, pulled as dockerd does, three blobs at a time: by itself, and from an upstream like Docker Hub. */
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
const AT_ONCE = 3

/** Sizes of layers as a real image has them, in bytes: 150 MB in all. */
const LAYERS = [30e6, 25e6, 22e6, 20e6, 18e6, 15e6, 10e6, 6e6, 3e6, 900e3, 90e3, 10e3]

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
  const upstream = await Upstream.start(bench.workspace, { ...WIRE, hub: certificate })
  await upstream.add(image.blobs, [{ ...image.manifest, tags: [TAG] }])
  const options = { upstream: upstream.address, trustedCaFile: certificate?.caFile }
  await bench.coldRounds(names, options, async (server, round) => {
    const order = { registry: server.url, name: NAME, tag: TAG, caFile: certificate?.caFile, atOnce: AT_ONCE }
    bench.note(TOTAL, server, round, await bench.clients.pullImage(order))
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
  title: 'the same, where the upstream wants a token and redirects blobs to another host over TLS',
  form: 'full',
  run: async (bench) =>
    run(
      bench,
      ['direct', 'entrepot', 'docker-registry', 'distribution'],
      await makeCertificate(bench.workspace),
    ),
}
