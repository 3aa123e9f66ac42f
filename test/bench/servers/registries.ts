/** distribution, as Debian has it (`docker-registry`, 2.8) and as its project builds it (`registry`, 3.x). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '../../e2e/support/ports.ts'
import { type Contestant, findExecutable, launch, type ServerOptions } from './server.ts'

/** Configuration that suits both. Logs are off, as with everybody here. */
const configOf = (port: number, folder: string, options: ServerOptions): object => ({
  version: '0.1',
  log: { level: 'error', accesslog: { disabled: true } },
  storage: {
    cache: { blobdescriptor: 'inmemory' },
    filesystem: { rootdirectory: options.rootDirectory ?? join(folder, 'store') },
  },
  http: {
    addr: `127.0.0.1:${port}`,
    ...(options.certificate && {
      tls: { certificate: options.certificate.certFile, key: options.certificate.keyFile },
    }),
  },
  ...(options.upstream !== undefined && { proxy: { remoteurl: options.upstream } }),
})

const contestant = (
  name: 'docker-registry' | 'distribution',
  find: () => string | undefined,
): Contestant => ({
  name,
  executable: find,
  start: async (workspace, at, options) => {
    const folder = await workspace.folder(at)
    const port = await findFreePort()
    const configFile = join(folder, 'config.yml')
    await writeFile(configFile, JSON.stringify(configOf(port, folder, options)))
    return launch(workspace, folder, {
      name,
      command: find() ?? name,
      args: ['serve', configFile],
      env: {
        OTEL_TRACES_EXPORTER: 'none',
        ...(options.trustedCaFile !== undefined && { SSL_CERT_FILE: options.trustedCaFile }),
      },
      port,
      options,
    })
  },
})

const TOOLS = process.env.ENTREPOT_CI_TOOLS

export const dockerRegistry = contestant('docker-registry', () => findExecutable('docker-registry'))

export const distribution = contestant('distribution', () =>
  findExecutable('registry', TOOLS === undefined ? [] : [TOOLS]),
)
