/** Many small blobs that are cached, asked for in turn: what an answer costs where bytes hardly count. */
import type { Bench, Case } from '../bench.ts'
import type { Requested } from '../client/requests.ts'
import { findWrk, runWrk } from '../client/wrk.ts'
import { makeBlob } from '../content.ts'
import type { Metric } from '../measure/samples.ts'
import { node } from '../servers/node.ts'
import type { ContestantName, Server } from '../servers/server.ts'
import { blobPath, layOut, warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const BLOB_BYTES = 4096

const EVERYBODY: readonly ContestantName[] = [
  'entrepot',
  'docker-registry',
  'distribution',
  'nginx-static',
  'node',
]
/** The short form compares with Node alone, and spares the time that the slower ones take to be filled. */
const COMPARED: readonly ContestantName[] = ['entrepot', 'node']

const CONNECTIONS = 32
const FOR_MS = 3000
/** Not measured: until code that is run often is compiled, in milliseconds. */
const WARM_UP_MS = 1000

const RATE: Metric = { name: 'requests/s', unit: '1/s', better: 'more' }
const P99: Metric = { name: 'p99 ms', unit: 'ms', better: 'less' }
const COST: Metric = { name: 'CPU us each', unit: 'us', better: 'less' }

const ask = (
  { clients }: Bench,
  { target }: Server,
  paths: readonly string[],
  forMs: number,
): Promise<Requested> => {
  const wrk = findWrk()
  if (wrk !== undefined) return runWrk(wrk, { target, paths, connections: CONNECTIONS, forMs })
  return clients.request({ target, method: 'GET', paths, connections: CONNECTIONS, forMs })
}

const run = async (bench: Bench): Promise<void> => {
  const count = bench.size(5000, 250)
  const blobs = Array.from({ length: count }, (_, i) =>
    makeBlob({ seed: `small-${i}`, sizeBytes: BLOB_BYTES }),
  )
  const paths = blobs.map(blobPath)
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add(blobs)
  const servers: Server[] = []
  for (const contestant of bench.present(...bench.size(EVERYBODY, COMPARED))) {
    const isStatic = contestant.name === 'nginx-static'
    const server = await bench.start(
      contestant,
      isStatic ? { rootDirectory: await layOut(bench, blobs) } : { upstream: upstream.origin },
    )
    if (!isStatic && contestant !== node) await warm(bench, server, upstream, paths)
    servers.push(server)
  }
  for (const server of servers) await ask(bench, server, paths, WARM_UP_MS)
  await bench.rounds(servers, async (server, round) => {
    const before = await server.process.cpuSeconds()
    const { requests, seconds, p99Ms } = await ask(bench, server, paths, bench.size(FOR_MS, 1000))
    const cpuS = (await server.process.cpuSeconds()) - before
    bench.note(RATE, server, round, requests / seconds)
    bench.note(P99, server, round, p99Ms)
    bench.note(COST, server, round, (cpuS * 1e6) / requests)
  })
}

export const smallBlobs: Case = {
  name: 'small-blobs',
  title: '5,000 warm blobs of 4 KiB in turn, 32 connections',
  form: 'short',
  run,
}
