/**
 * A blob that is not cached, over a wire of 50 MB/s and 20 ms: what the mirror adds to the way to the upstream itself. All
 * connections are open beforehand, also those to the upstream, so that round trips are the same for everybody.
 */
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import type { Metric, Sample } from '../measure/samples.ts'
import { blobPath } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

/** What is between the mirror and the upstream. */
export const WIRE = { bytesPerS: 50e6, latencyMs: 20 }

const FIRST_BYTE: Metric = { name: 'first byte ms', unit: 'ms', better: 'less' }
const AFTER_DIRECT: Metric = { name: 'first byte after direct, ms', unit: 'ms', better: 'less' }
const TOTAL: Metric = { name: 'total s', unit: 's', better: 'less' }

/** How much later than direct each first byte came in its round. */
const afterDirect = (samples: readonly Sample[]): Sample[] => {
  const first = samples.filter(({ metric }) => metric === FIRST_BYTE)
  const directs = first.filter(({ contestant }) => contestant === 'direct')
  return first.flatMap((sample) => {
    const direct = directs.find(({ round }) => round === sample.round)
    if (direct === undefined || sample === direct) return []
    return [{ ...sample, metric: AFTER_DIRECT, value: sample.value - direct.value }]
  })
}

const run = async (bench: Bench): Promise<void> => {
  const blob = makeBlob({ seed: 'cold', sizeBytes: bench.size(100e6, 10e6) })
  const before = makeBlob({ seed: 'before', sizeBytes: 10e3 })
  const upstream = await Upstream.start(bench.workspace, WIRE)
  await upstream.add([blob, before])
  await bench.coldRounds(
    ['direct', 'entrepot', 'docker-registry', 'distribution', 'nginx-cache'],
    { upstream: upstream.address },
    async (server, round) => {
      const order = { target: server.target, clients: 1, greets: true }
      await bench.clients.download({ ...order, path: blobPath(before) })
      const { firstByteMs, seconds } = await bench.clients.download({ ...order, path: blobPath(blob) })
      bench.note(FIRST_BYTE, server, round, firstByteMs[0] ?? Number.NaN)
      bench.note(TOTAL, server, round, seconds)
    },
  )
  bench.samples.push(...afterDirect(bench.samples))
}

export const coldBlob: Case = {
  name: 'cold-blob',
  title: 'cold blob of 100 MB, upstream at 50 MB/s and 20 ms',
  form: 'full',
  run,
}
