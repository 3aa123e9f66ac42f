/** From the start of the program to its first answer, with an empty store and with a full one. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../../src/protocol/digest.ts'
import { blobKey } from '../../../src/store/paths.ts'
import type { Bench, Case } from '../bench.ts'
import type { Metric } from '../measure/samples.ts'

const FIRST = (store: string): Metric => ({ name: `${store}: first 200, s`, unit: 's', better: 'less' })

/** Made at once. */
const BATCH = 256

/** A store with blobs of a few bytes. @returns its root directory */
const fill = async ({ workspace }: Bench, blobs: number): Promise<string> => {
  const root = await workspace.folder('full')
  const make = async (i: number): Promise<void> => {
    const path = join(root, blobKey(digestOf(Buffer.from(`blob ${i}`))))
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, `blob ${i}`)
  }
  for (let i = 0; i < blobs; i += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, blobs - i) }, (_, k) => make(i + k)))
  return root
}

const run = async (bench: Bench): Promise<void> => {
  const full = await fill(bench, bench.size(100_000, 10_000))
  const stores = { empty: undefined, '100,000 blobs': full }
  for (const [store, rootDirectory] of Object.entries(stores))
    await bench.coldRounds(
      ['entrepot', 'docker-registry', 'distribution'],
      { rootDirectory },
      async (server, round) => {
        const answer = await fetch(`${server.url}/v2/`)
        if (answer.status !== 200) throw new Error(`${server.name} answered ${answer.status}`)
        bench.note(FIRST(store), server, round, (performance.now() - server.startedAtMs) / 1000)
      },
    )
}

export const start: Case = { name: 'start', title: 'start to the first answer', form: 'full', run }
