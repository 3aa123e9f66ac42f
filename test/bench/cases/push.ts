/** A push of a large layer, as dockerd and as containerd make it, into an empty store. */
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import { borrowMemory } from '../measure/lent-memory.ts'
import type { Metric } from '../measure/samples.ts'
import { NAME } from '../servers/warm.ts'

const RATE = (by: string): Metric => ({ name: `${by}: GB/s`, unit: 'GB/s', better: 'more' })
const COST = (by: string): Metric => ({ name: `${by}: CPU s/GB`, unit: 's/GB', better: 'less' })

const WAYS = { patch: 'PATCH in 32 KiB chunks', put: 'one PUT' } as const

const run = async (bench: Bench): Promise<void> => {
  const { seed, sizeBytes, digest } = makeBlob({ seed: 'push', sizeBytes: bench.size(1e9, 128e6) })
  for (const by of ['patch', 'put'] as const)
    await bench.coldRounds(['entrepot', 'docker-registry', 'distribution'], {}, async (server, round) => {
      const order = { target: server.target, name: NAME, blob: { seed, sizeBytes }, digest, by }
      await borrowMemory(bench.workspace.path, 1.2 * sizeBytes)
      const before = await server.process.cpuSeconds()
      const seconds = await bench.clients.upload(order)
      const cpuS = (await server.process.cpuSeconds()) - before
      bench.note(RATE(WAYS[by]), server, round, sizeBytes / 1e9 / seconds)
      bench.note(COST(WAYS[by]), server, round, cpuS / (sizeBytes / 1e9))
    })
}

export const push: Case = {
  name: 'push',
  title: 'push of a layer of 1 GB, durable when it is answered',
  form: 'short',
  run,
}
