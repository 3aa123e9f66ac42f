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
  /** `docker login`, the password on its stdin. */
  login(address: string, account: string, password: string): Promise<string>
  /** Stops it, forgets everything it has, and starts it again. */
  restartEmpty(): Promise<void>
}

/** What a dockerd needs to know. */
export interface DockerdOptions {
  /** Text of `daemon.json`. */
  readonly config: string
  /** Folder that it sees as `/etc/docker`; default: the machine's own. */
  readonly etc?: string
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** The `daemon.json` of a dockerd with a mirror at `url`. */
export const daemonJson = (url: string): string => JSON.stringify({ 'registry-mirrors': [url] })

const PULL_MS = 120_000

/** The environment of a docker command that speaks to the dockerd of `workspace`. */
export const clientEnvironment = (workspace: Workspace): Record<string, string> => ({
  DOCKER_HOST: `unix://${join(workspace.path, 'dockerd/socket')}`,
  DOCKER_CONFIG: join(workspace.path, 'dockerd/client'),
})

/** dockerd looks for authorities in `/etc/docker` and nowhere else: in a mount namespace of its own it sees `etc` there. */
const commandOf = (etc: string | undefined, args: readonly string[]) => {
  if (etc === undefined) return { command: 'dockerd', args }
  const script = 'mount --bind "$0" /etc/docker && exec dockerd "$@"'
  return { command: 'unshare', args: ['--mount', 'sh', '-c', script, etc, ...args] }
}

/** Starts a dockerd with its files in `dockerd` below `workspace`. No network is set up: it only holds images. */
export const startDockerd = async (workspace: Workspace, options: DockerdOptions): Promise<Dockerd> => {
  const start = async (): Promise<Program> => {
    const folder = await workspace.folder('dockerd')
    await writeFile(join(folder, 'daemon.json'), options.config)
    const program = Program.start(workspace, {
      ...commandOf(options.etc, [
        ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['--pidfile', join(folder, 'pid'), '--host', `unix://${join(folder, 'socket')}`],
        ...['--iptables=false', '--ip-forward=false', '--bridge=none'],
        ...['--config-file', join(folder, 'daemon.json')],
      ]),
      env: cleanEnvironment(folder, options.env),
    })
    await program.ready(() => docker('version').then(() => true))
    return program
  }
  const folder = join(workspace.path, 'dockerd')
  const env = cleanEnvironment(folder, clientEnvironment(workspace))
  const docker = (...args: string[]): Promise<string> => run('docker', args, { env, timeoutMs: PULL_MS })
  let program = await start()
  return {
    docker,
    pull: async (reference) => {
      await docker('pull', '--quiet', reference)
      return docker('image', 'inspect', '--format', '{{.Id}}', reference)
    },
    login: (address, account, password) =>
      run('docker', ['login', '--username', account, '--password-stdin', address], { env, input: password }),
    restartEmpty: async () => {
      await program.stop()
      await workspace.empty('dockerd')
      program = await start()
    },
  }
}
