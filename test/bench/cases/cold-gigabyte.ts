/**
 * A large blob that is not cached, nothing throttled: how fast bytes go through, and what they cost in all. The content is
 * cold, the program is not: a mirror runs for months. What the first such blob after a start costs is told besides.
 */
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import { borrowMemory } from '../measure/lent-memory.ts'
import { cpuWhenIdle } from '../measure/rest.ts'
import type { Metric } from '../measure/samples.ts'
import type { Server } from '../servers/server.ts'
import { blobPath } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const RATE: Metric = { name: 'GB/s', unit: 'GB/s', better: 'more' }
const COST: Metric = { name: 'CPU s/GB until idle', unit: 's/GB', better: 'less' }
const FIRST_RATE: Metric = { ...RATE, name: 'first after the start: GB/s' }
const FIRST_COST: Metric = { ...COST, name: 'first after the start: CPU s/GB until idle' }
const FETCHES: Metric = { name: 'upstream GETs', unit: 'requests', better: 'less' }

const run = async (bench: Bench): Promise<void> => {
  const sizeBytes = bench.size(1e9, 128e6)
  const first = makeBlob({ seed: 'first gigabyte', sizeBytes })
  const blob = makeBlob({ seed: 'gigabyte', sizeBytes })
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add([first, blob])
  /** Pulls a blob once. @returns processor time that it cost, in seconds */
  const pull = async ({ target, process }: Server, { digest }: typeof blob) => {
    const before = await cpuWhenIdle(process)
    await borrowMemory(bench.workspace.path, 1.2 * sizeBytes)
    const { gigabytesPerS } = await bench.clients.download({ target, path: blobPath({ digest }), clients: 1 })
    return { gigabytesPerS, cpuSPerGb: ((await cpuWhenIdle(process)) - before) / (sizeBytes / 1e9) }
  }
  await bench.coldRounds(
    ['direct', 'entrepot', 'docker-registry', 'distribution', 'nginx-cache'],
    { upstream: upstream.origin },
    async (server, round) => {
      const fresh = await pull(server, first)
      const askedBefore = (await upstream.counts()).blobs
      const { gigabytesPerS, cpuSPerGb } = await pull(server, blob)
      bench.note(RATE, server, round, gigabytesPerS)
      bench.note(FIRST_RATE, server, round, fresh.gigabytesPerS)
      if (server.name === 'direct') return
      bench.note(COST, server, round, cpuSPerGb)
      bench.note(FIRST_COST, server, round, fresh.cpuSPerGb)
      bench.note(FETCHES, server, round, (await upstream.counts()).blobs - askedBefore)
    },
  )
}

export const coldGigabyte: Case = {
  name: 'cold-gigabyte',
  title: 'cold blob of 1 GB, nothing throttled',
  form: 'short',
  run,
}
