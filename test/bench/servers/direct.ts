/** The upstream itself, without anything before it: what a cold pull through a mirror is compared with. */
import { ProcessTree } from '../measure/process.ts'
import type { Contestant } from './server.ts'

export const direct: Contestant = {
  name: 'direct',
  executable: () => process.execPath,
  start: async (_workspace, _folder, { upstream = '' }) => {
    const { hostname, port } = new URL(upstream)
    return {
      name: 'direct',
      target: { host: hostname, port: Number(port) },
      url: upstream,
      // Its processor time is nobody's concern.
      process: new ProcessTree(process.pid),
      startedAtMs: performance.now(),
      stop: async () => {},
    }
  },
}
