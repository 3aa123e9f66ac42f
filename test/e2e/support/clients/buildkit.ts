/** A buildkitd of its own, and the buildctl command that speaks to it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment } from '../environment.ts'
import { Program } from '../program.ts'
import { run } from '../run.ts'
import type { Workspace } from '../workspace.ts'

/** A running buildkitd. */
export interface Buildkit {
  /** Builds `dockerfile` with an empty context, and throws the image away. */
  build(dockerfile: string): Promise<void>
}

/** What a buildkitd needs to know. */
export interface BuildkitOptions {
  /** Text of `buildkitd.toml`. */
  readonly config: string
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts a buildkitd with its files in `buildkit` below `workspace`. No network is set up for what it builds. */
export const startBuildkit = async (workspace: Workspace, options: BuildkitOptions): Promise<Buildkit> => {
  const folder = await workspace.folder('buildkit')
  const context = await workspace.folder('buildkit/context')
  const env = cleanEnvironment(folder, options.env)
  const configFile = join(folder, 'buildkitd.toml')
  const address = `unix://${join(folder, 'socket')}`
  await writeFile(configFile, options.config)
  const program = Program.start(workspace, {
    command: 'buildkitd',
    args: [
      ...['--config', configFile, '--addr', address, '--root', join(folder, 'root')],
      ...['--containerd-worker=false', '--oci-worker-snapshotter=native', '--oci-worker-net=host'],
    ],
    env,
  })
  const buildctl = (...args: string[]) => run('buildctl', ['--addr', address, ...args], { env })
  await program.ready(() => buildctl('debug', 'workers').then(() => true))
  return {
    build: async (dockerfile) => {
      await writeFile(join(context, 'Dockerfile'), dockerfile)
      const input = ['--local', `context=${context}`, '--local', `dockerfile=${context}`]
      const output = ['--output', `type=oci,dest=${join(folder, 'image.tar')}`]
      await buildctl('build', '--no-cache', '--frontend', 'dockerfile.v0', ...input, ...output)
    },
  }
}
