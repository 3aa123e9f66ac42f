/** Waiting until a server has nothing left to do: what it does after its answers would count for the next thing measured. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessTree } from './process.ts'

const LOOK_MS = 250
/** Processor time in that while that counts as none, in seconds: timers and such. */
const IDLE_S = 0.011
const MAX_LOOKS = 240

/** Resolves when a process rests, with its processor time so far in seconds. */
export const cpuWhenIdle = async (process: ProcessTree): Promise<number> => {
  let before = await process.cpuSeconds()
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    await sleep(LOOK_MS)
    const now = await process.cpuSeconds()
    if (now - before <= IDLE_S) return now
    before = now
  }
  throw new Error('a server does not come to rest')
}
