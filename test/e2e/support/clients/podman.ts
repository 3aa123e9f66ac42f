/** podman with a storage of its own and `registries.conf`. It has no daemon. */
import { join } from 'node:path'
import { cleanEnvironment } from '../environment.ts'
import { run } from '../run.ts'
import type { Workspace } from '../workspace.ts'
import { authEnvironment, writeRegistriesConf } from './registries-conf.ts'

/** podman, ready to be called. */
export interface Podman {
  /** `podman` and its flags, for whoever runs it himself, in {@link Podman.env}. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** `podman <args>`: resolves to stdout, rejects with all output. */
  podman(...args: string[]): Promise<string>
  /** Pulls, and resolves to the image's id (the digest of its config). */
  pull(reference: string, ...flags: string[]): Promise<string>
  /** Forgets everything it has. */
  empty(): Promise<void>
}

/** What podman needs to know. */
export interface PodmanOptions {
  /** Text of `registries.conf`. */
  readonly conf: string
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Sets podman up with its files in `podman` below `workspace`. */
export const preparePodman = async (workspace: Workspace, options: PodmanOptions): Promise<Podman> => {
  const folder = await workspace.folder('podman')
  await writeRegistriesConf(folder, options.conf)
  const storage = join(folder, 'storage')
  const flags = [
    ...['--root', join(storage, 'root'), '--runroot', join(storage, 'run'), '--tmpdir', join(storage, 'tmp')],
    ...['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
  ]
  const env = cleanEnvironment(folder, { ...options.env, ...authEnvironment(folder) })
  const podman = (...args: string[]): Promise<string> => run('podman', [...flags, ...args], { env })
  return {
    command: ['podman', ...flags],
    env,
    podman,
    pull: async (reference, ...flags) => {
      const id = await podman('pull', '--quiet', ...flags, reference)
      return `sha256:${id}`
    },
    empty: () => workspace.empty('podman/storage'),
  }
}
