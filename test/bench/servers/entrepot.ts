/** entrepot, built, with the settings that its users have. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../e2e/support/ports.ts'
import { type Contestant, launch, type ServerOptions } from './server.ts'

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

const configOf = (port: number, debugPort: number, folder: string, options: ServerOptions): object => ({
  version: '0.1',
  log: { level: 'error', accesslog: { disabled: true } },
  storage: {
    filesystem: { rootdirectory: options.rootDirectory ?? join(folder, 'store') },
    delete: { enabled: options.allowsDeletes === true },
  },
  http: {
    addr: `127.0.0.1:${port}`,
    debug: { addr: `127.0.0.1:${debugPort}` },
    ...(options.certificate && {
      tls: { certificate: options.certificate.certFile, key: options.certificate.keyFile },
    }),
  },
  ...(options.upstream !== undefined && {
    proxy: { remoteurl: options.upstream },
    // A tag that was asked for in the last hour is fresh.
    cache: { freshness: '1h' },
  }),
  ...(options.mirrors !== undefined && {
    upstreams: options.mirrors.map((host) => ({ host, remoteurl: options.upstream })),
  }),
})

export const entrepot: Contestant = {
  name: 'entrepot',
  executable: () => MAIN,
  start: async (workspace, at, options) => {
    const folder = await workspace.folder(at)
    const port = await findFreePort()
    const debugPort = await findFreePort()
    const configFile = join(folder, 'config.yml')
    await writeFile(configFile, JSON.stringify(configOf(port, debugPort, folder, options)))
    const nodeOptions = process.env.ENTREPOT_BENCH_NODE_OPTIONS?.split(' ') ?? []
    return launch(workspace, folder, {
      name: 'entrepot',
      command: process.execPath,
      args: ['--min-semi-space-size=16', ...nodeOptions, MAIN, 'serve', configFile],
      env: {
        UV_THREADPOOL_SIZE: '16',
        ...(options.trustedCaFile !== undefined && { NODE_EXTRA_CA_CERTS: options.trustedCaFile }),
      },
      port,
      options,
      debugUrl: `http://127.0.0.1:${debugPort}`,
    })
  },
}
