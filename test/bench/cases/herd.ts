/** Many clients want the same cold blob at once: one fetch should serve them all, as fast as it would serve one. */
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import type { Metric } from '../measure/samples.ts'
import { blobPath } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'
import { WIRE } from './cold-blob.ts'

const CLIENTS = 32

const FETCHES: Metric = { name: 'upstream GETs', unit: 'requests', better: 'less' }
const LAST: Metric = { name: 'last / single', unit: '', better: 'less' }

/** Peers fetch it dozens of times over the narrow wire: once is enough to know. */
const RUNS = 1

const run = async (bench: Bench): Promise<void> => {
  const [single, shared] = ['single', 'shared'].map((seed) =>
    makeBlob({ seed, sizeBytes: bench.size(100e6, 10e6) }),
  ) as [ReturnType<typeof makeBlob>, ReturnType<typeof makeBlob>]
  const upstream = await Upstream.start(bench.workspace, WIRE)
  await upstream.add([single, shared])
  await bench.coldRounds(
    bench.size(['entrepot', 'docker-registry', 'nginx-cache'], ['entrepot']),
    { upstream: upstream.origin },
    async (server, round) => {
      const { target } = server
      const alone = await bench.clients.download({ target, path: blobPath(single), clients: 1 })
      const askedBefore = (await upstream.counts()).blobs
      const herd = await bench.clients.download({ target, path: blobPath(shared), clients: CLIENTS })
      bench.note(FETCHES, server, round, (await upstream.counts()).blobs - askedBefore)
      bench.note(LAST, server, round, herd.seconds / alone.seconds)
    },
    RUNS,
  )
}

export const herd: Case = {
  name: 'herd',
  title: '32 clients, one cold blob of 100 MB, upstream at 50 MB/s and 20 ms',
  form: 'short',
  run,
}
