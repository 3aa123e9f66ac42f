/** A large blob that is not cached, nothing throttled: how fast bytes go through, and what they cost in all. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import type { ProcessTree } from '../measure/process.ts'
import type { Metric } from '../measure/samples.ts'
import { blobPath } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const RATE: Metric = { name: 'GB/s', unit: 'GB/s', better: 'more' }
const COST: Metric = { name: 'CPU s/GB until idle', unit: 's/GB', better: 'less' }
const FETCHES: Metric = { name: 'upstream GETs', unit: 'requests', better: 'less' }

const LOOK_MS = 250
/** Processor time in that while that counts as none, in seconds: timers and such. */
const IDLE_S = 0.011
const MAX_LOOKS = 240

/** Processor time when there is nothing left to do, in seconds. */
const cpuWhenIdle = async (process: ProcessTree): Promise<number> => {
  let before = await process.cpuSeconds()
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    await sleep(LOOK_MS)
    const now = await process.cpuSeconds()
    if (now - before <= IDLE_S) return now
    before = now
  }
  throw new Error('a server does not come to rest')
}

const run = async (bench: Bench): Promise<void> => {
  const sizeBytes = bench.size(1e9, 128e6)
  const blob = makeBlob({ seed: 'gigabyte', sizeBytes })
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add([blob])
  await bench.coldRounds(
    ['direct', 'entrepot', 'docker-registry', 'distribution', 'nginx-cache'],
    { upstream: upstream.address },
    async (server, round) => {
      const { target, process } = server
      const before = await cpuWhenIdle(process)
      const askedBefore = (await upstream.counts()).blobs
      const { gigabytesPerS } = await bench.clients.download({ target, path: blobPath(blob), clients: 1 })
      bench.note(RATE, server, round, gigabytesPerS)
      if (server.name === 'direct') return
      bench.note(COST, server, round, ((await cpuWhenIdle(process)) - before) / (sizeBytes / 1e9))
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
