/** Node by itself: the limit of small answers and of TLS, and a yardstick that neighbours slow down as they slow us. */
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../e2e/support/ports.ts'
import { type Contestant, launch } from './server.ts'

const MAIN = fileURLToPath(new URL('./node/main.ts', import.meta.url))

export const node: Contestant = {
  name: 'node',
  executable: () => process.execPath,
  start: async (workspace, at, options) => {
    const port = await findFreePort()
    const { certificate } = options
    const tls = certificate === undefined ? [] : [certificate.certFile, certificate.keyFile]
    return launch(workspace, await workspace.folder(at), {
      name: 'node',
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), MAIN, String(port), ...tls],
      port,
      options,
    })
  },
}
