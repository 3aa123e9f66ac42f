/** A dockerd of its own with `registry-mirrors`, and the docker command that speaks to it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment } from '../environment.ts'
import { Program } from '../program.ts'
import { run } from '../run.ts'
import type { Workspace } from '../workspace.ts'

/** A running dockerd. */
export interface Dockerd {
  /** `docker <args>`: resolves to stdout, rejects with all output. */
  docker(...args: string[]): Promise<string>
  /** Pulls, and resolves to the image's id (the digest of its config). */
  pull(reference: string): Promise<string>
  /** Stops it, forgets everything it has, and starts it again. */
  restartEmpty(): Promise<void>
}

/** What a dockerd needs to know. */
export interface DockerdOptions {
  /** Text of `daemon.json`. */
  readonly config: string
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** The `daemon.json` of a dockerd with a mirror at `url`. */
export const daemonJson = (url: string): string => JSON.stringify({ 'registry-mirrors': [url] })

const PULL_MS = 120_000

/** Starts a dockerd with its files in `dockerd` below `workspace`. No network is set up: it only holds images. */
export const startDockerd = async (workspace: Workspace, options: DockerdOptions): Promise<Dockerd> => {
  const start = async (): Promise<Program> => {
    const folder = await workspace.folder('dockerd')
    await writeFile(join(folder, 'daemon.json'), options.config)
    const program = Program.start(workspace, {
      command: 'dockerd',
      args: [
        ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['--pidfile', join(folder, 'pid'), '--host', `unix://${join(folder, 'socket')}`],
        ...['--iptables=false', '--ip-forward=false', '--bridge=none'],
        ...['--config-file', join(folder, 'daemon.json')],
      ],
      env: cleanEnvironment(folder, options.env),
    })
    await program.ready(() => docker('version').then(() => true))
    return program
  }
  const docker = (...args: string[]): Promise<string> => {
    const folder = join(workspace.path, 'dockerd')
    const env = cleanEnvironment(folder, { DOCKER_CONFIG: join(folder, 'client') })
    return run('docker', ['--host', `unix://${join(folder, 'socket')}`, ...args], { env, timeoutMs: PULL_MS })
  }
  let program = await start()
  return {
    docker,
    pull: async (reference) => {
      await docker('pull', '--quiet', reference)
      return docker('image', 'inspect', '--format', '{{.Id}}', reference)
    },
    restartEmpty: async () => {
      await program.stop()
      await workspace.empty('dockerd')
      program = await start()
    },
  }
}
