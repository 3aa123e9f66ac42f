/** A containerd of its own and the ctr command that speaks to it, with `hosts.toml` files for its mirrors. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment } from '../environment.ts'
import { Program } from '../program.ts'
import { run } from '../run.ts'
import type { Workspace } from '../workspace.ts'

/** A running containerd. */
export interface Containerd {
  /** `ctr <args>`: resolves to stdout, rejects with all output. */
  ctr(...args: string[]): Promise<string>
  /** Pulls through `hosts.toml`, unpacks, and resolves to the digest of the manifest or index the name stands for. */
  pull(reference: string, ...flags: string[]): Promise<string>
  /** Stops it, forgets everything it has, and starts it again. */
  restartEmpty(): Promise<void>
}

/** What a containerd needs to know. */
export interface ContainerdOptions {
  /** Registry host of a name → text of its `hosts.toml`. */
  readonly hosts: Readonly<Record<string, string>>
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

const CONFIG =
  'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images"]\n'
/** Works on every file system, inside containers too. */
const SNAPSHOTTER = 'native'

/** The `hosts.toml` of a registry that has a mirror at `url`. */
export const hostsToml = (url: string): string => `[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`

const writeHosts = async (folder: string, hosts: ContainerdOptions['hosts']): Promise<void> => {
  for (const [host, toml] of Object.entries(hosts)) {
    await mkdir(join(folder, host), { recursive: true })
    await writeFile(join(folder, host, 'hosts.toml'), toml)
  }
}

/** Starts a containerd with its files in `containerd` below `workspace`. */
export const startContainerd = async (
  workspace: Workspace,
  options: ContainerdOptions,
): Promise<Containerd> => {
  const folder = join(workspace.path, 'containerd')
  const env = cleanEnvironment(folder, options.env)
  const ctr = (...args: string[]): Promise<string> =>
    run('ctr', ['--address', join(folder, 'socket'), ...args], { env })
  const start = async (): Promise<Program> => {
    await workspace.folder('containerd')
    await writeFile(join(folder, 'config.toml'), CONFIG)
    await writeHosts(join(folder, 'hosts'), options.hosts)
    const program = Program.start(workspace, {
      command: 'containerd',
      args: [
        ...['--config', join(folder, 'config.toml'), '--address', join(folder, 'socket')],
        ...['--root', join(folder, 'root'), '--state', join(folder, 'state')],
      ],
      env,
    })
    await program.ready(() => ctr('version').then(() => true))
    return program
  }
  let program = await start()
  return {
    ctr,
    pull: async (reference, ...flags) => {
      const hosts = ['--hosts-dir', join(folder, 'hosts'), '--snapshotter', SNAPSHOTTER]
      await ctr('images', 'pull', ...hosts, ...flags, reference)
      const listed = await ctr('images', 'ls', `name==${reference}`)
      return /sha256:[a-f0-9]{64}/.exec(listed)?.[0] ?? `not listed: ${listed}`
    },
    restartEmpty: async () => {
      await program.stop()
      await workspace.empty('containerd')
      program = await start()
    },
  }
}
