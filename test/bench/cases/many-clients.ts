/** Two hundred clients read one large blob at once, cached and not: what the server holds in memory for them. */
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import type { Metric } from '../measure/samples.ts'
import type { Server } from '../servers/server.ts'
import { blobPath, warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const CLIENTS = 200
const MIB = 1024 * 1024

const PEAK = (state: string): Metric => ({ name: `${state}: peak memory MiB`, unit: 'MiB', better: 'less' })

/** 200 GB a server: once is enough. */
const RUNS = 1

/** Peers reach their peak at once: each of their clients leaves after so many bytes. */
const PEERS_BYTES = 50e6

const run = async (bench: Bench): Promise<void> => {
  const sizeBytes = bench.size(1e9, 64e6)
  const upstream = await Upstream.start(bench.workspace)
  const blobs = ['first', 'second'].map((seed) => makeBlob({ seed, sizeBytes }))
  const [first, second] = blobs.map(blobPath) as [string, string]
  await upstream.add(blobs)

  const measure = async (server: Server, path: string, state: string, round: number): Promise<void> => {
    await server.process.resetPeak()
    const leaveAfterBytes = server.name === 'entrepot' ? undefined : PEERS_BYTES
    await bench.clients.download({ target: server.target, path, clients: CLIENTS, leaveAfterBytes })
    bench.note(PEAK(state), server, round, (await server.process.peakResidentBytes()) / MIB)
  }

  await bench.coldRounds(
    ['entrepot', 'docker-registry', 'distribution', 'nginx-cache'],
    { upstream: upstream.origin },
    async (server, round) => {
      await warm(bench, server, upstream, [first])
      await measure(server, first, 'warm', round)
      // The peers fetch it once for every client, or let all but one wait.
      if (server.name === 'entrepot') await measure(server, second, 'cold', round)
    },
    RUNS,
  )
}

export const manyClients: Case = {
  name: 'many-clients',
  title: '200 clients read one blob of 1 GB',
  form: 'full',
  run,
}
