/**
 * A blob that is not cached, over a wire of 50 MB/s and 20 ms: what the mirror adds to the way to the upstream itself. All
 * connections are open beforehand, also those to the upstream, so that round trips are the same for everybody; and the
 * program has fetched some blobs before, as one that runs for months has. What the first one after a start costs is told
 * besides.
 */
import type { Bench, Case } from '../bench.ts'
import { type Blob, makeBlob } from '../content.ts'
import type { Metric, Sample } from '../measure/samples.ts'
import { median } from '../measure/statistics.ts'
import { blobPath } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

/** What is between the mirror and the upstream. */
export const WIRE = { bytesPerS: 50e6, latencyMs: 20 }

const FIRST_BYTE: Metric = { name: 'first byte ms', unit: 'ms', better: 'less' }
const FRESH_FIRST_BYTE: Metric = { ...FIRST_BYTE, name: 'after the start: first byte ms' }
const AFTER_DIRECT: Metric = { name: 'first byte after direct, ms', unit: 'ms', better: 'less' }
const FRESH: Metric = { ...AFTER_DIRECT, name: 'after the start: ms after direct' }
const TOTAL: Metric = { name: 'total s', unit: 's', better: 'less' }

/** Blobs that are fetched before: as many as it takes until code that runs for each is compiled. */
const BEFORE = 100
/** Further blobs of which the first byte is waited for: a timer is exact to a millisecond, so a few are a matter of luck. */
const MORE = 63
const MORE_BYTES = 1e6

/** How much later than direct each first byte came in its round. */
const afterDirect = (samples: readonly Sample[], of: Metric, as: Metric): Sample[] => {
  const first = samples.filter(({ metric }) => metric === of)
  const directs = first.filter(({ contestant }) => contestant === 'direct')
  return first.flatMap((sample) => {
    const direct = directs.find(({ round }) => round === sample.round)
    if (direct === undefined || sample === direct) return []
    return [{ ...sample, metric: as, value: sample.value - direct.value }]
  })
}

/** What `work` makes of each, one after the other. */
const inTurn = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

const run = async (bench: Bench): Promise<void> => {
  const blob = makeBlob({ seed: 'cold', sizeBytes: bench.size(100e6, 10e6) })
  const makeBlobs = (length: number, seed: string, sizeBytes: number) =>
    Array.from({ length }, (_, i) => makeBlob({ seed: `${seed} ${i}`, sizeBytes }))
  const before = makeBlobs(BEFORE, 'before', 10e3)
  const more = makeBlobs(MORE, 'more', MORE_BYTES)
  const upstream = await Upstream.start(bench.workspace, WIRE)
  await upstream.add([blob, ...before, ...more])
  await bench.coldRounds(
    ['direct', 'entrepot', 'docker-registry', 'distribution', 'nginx-cache'],
    { upstream: upstream.origin },
    async (server, round) => {
      const order = { target: server.target, clients: 1, greets: true }
      const firstByte = async (each: Blob): Promise<number> =>
        (await bench.clients.download({ ...order, path: blobPath(each) })).firstByteMs[0] ?? Number.NaN
      const freshMs = await inTurn(before, firstByte)
      // The very first one opens the connection to the upstream.
      bench.note(FRESH_FIRST_BYTE, server, round, freshMs[1] ?? Number.NaN)
      const firstByteMs = await inTurn(more, firstByte)
      const whole = await bench.clients.download({ ...order, path: blobPath(blob) })
      bench.note(FIRST_BYTE, server, round, median([...firstByteMs, ...whole.firstByteMs]))
      bench.note(TOTAL, server, round, whole.seconds)
    },
  )
  bench.samples.push(
    ...afterDirect(bench.samples, FIRST_BYTE, AFTER_DIRECT),
    ...afterDirect(bench.samples, FRESH_FIRST_BYTE, FRESH),
  )
}

export const coldBlob: Case = {
  name: 'cold-blob',
  title: 'cold blob of 100 MB, upstream at 50 MB/s and 20 ms',
  form: 'full',
  run,
}
