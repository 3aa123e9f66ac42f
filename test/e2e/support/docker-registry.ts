/** Debian's `docker-registry` (distribution 2.8) as a process of its own: the upstream, and the writer of old volumes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { findFreePort } from './ports.ts'
import { Program } from './program.ts'
import { answersHttp } from './wait.ts'
import type { Workspace } from './workspace.ts'

/** A running docker-registry. */
export interface DockerRegistry {
  /** `host:port`. */
  readonly address: string
  /** `storage.filesystem.rootdirectory`. */
  readonly rootDirectory: string
  stop(): Promise<void>
}

/** Starts it in the folder `name` of `workspace`, with `sections` added to its configuration. */
export const startDockerRegistry = async (
  workspace: Workspace,
  name: string,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<DockerRegistry> => {
  const folder = await workspace.folder(name)
  const address = `127.0.0.1:${await findFreePort()}`
  const rootDirectory = join(folder, 'registry')
  const config = {
    version: '0.1',
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: rootDirectory }, delete: { enabled: true } },
    http: { addr: address },
    ...sections,
  }
  const configFile = join(folder, 'docker-registry.yml')
  await writeFile(configFile, JSON.stringify(config))
  const program = Program.start(workspace, {
    command: 'docker-registry',
    args: ['serve', configFile],
    env: cleanEnvironment(folder, { OTEL_TRACES_EXPORTER: 'none' }),
  })
  await program.ready(() => answersHttp(`http://${address}/v2/`))
  return { address, rootDirectory, stop: () => program.stop() }
}
