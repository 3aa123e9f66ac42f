/** The upstream itself, without anything before it: what a cold pull through a mirror is compared with. */
import { ProcessTree } from '../measure/process.ts'
import type { Contestant } from './server.ts'

export const direct: Contestant = {
  name: 'direct',
  executable: () => process.execPath,
  start: async (_workspace, _folder, { upstream = '' }) => {
    const [host = '', port] = upstream.split(':')
    return {
      name: 'direct',
      target: { host, port: Number(port) },
      url: `http://${upstream}`,
      // Its processor time is nobody's concern.
      process: new ProcessTree(process.pid),
      startedAtMs: performance.now(),
      stop: async () => {},
    }
  },
}
