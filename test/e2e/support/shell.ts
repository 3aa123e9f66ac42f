/**
 * A shell for what documents say: `docker run` of the registry is noted instead of run (an image needs a network to be
 * built), `sudo` is nobody else, `entrepot` is the built program, `/etc/docker` lies in the workspace.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { TestBlob } from '../../support/images.ts'
import { clientEnvironment } from './clients/dockerd.ts'
import { MAIN } from './entrepot.ts'
import { cleanEnvironment } from './environment.ts'
import { run } from './run.ts'
import type { Workspace } from './workspace.ts'

/** A folder in which commands are run one after the other. */
export interface Shell {
  readonly folder: string
  /** Folder that stands for `/etc/docker`. */
  readonly etcDocker: string
  /** Runs lines as `sh -e` does. */
  run(text: string): Promise<string>
  /** Gives dockerd an image of one layer. */
  importImage(layer: TestBlob, name: string): Promise<void>
  /** The environment of the container that the last `docker run` would have started, its mounts put in. */
  containerEnvironment(): Promise<Record<string, string>>
}

const DOCKER = `#!/bin/sh
[ "$1" = run ] || exec "$REAL_DOCKER" "$@"
printf '%s\\n' "$@" > "$RUN_FILE"
`

const findDocker = (): Promise<string> =>
  run('sh', ['-c', 'command -v docker'], { env: cleanEnvironment('/') })

/** Makes a shell in the folder `shell` of `workspace`. */
export const makeShell = async (workspace: Workspace): Promise<Shell> => {
  const folder = await workspace.folder('shell')
  const etcDocker = await workspace.folder('etc-docker')
  const bin = await workspace.folder('bin')
  const runFile = join(bin, 'docker-run')
  const programs = {
    docker: DOCKER,
    sudo: '#!/bin/sh\nexec "$@"\n',
    entrepot: `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`,
  }
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), text)
    await chmod(join(bin, name), 0o755)
  }
  const clean = cleanEnvironment(folder, {
    ...clientEnvironment(workspace),
    REAL_DOCKER: await findDocker(),
    RUN_FILE: runFile,
  })
  const env = { ...clean, PATH: `${bin}:${clean.PATH}` }
  const argumentsAfter = async (flag: string): Promise<string[]> => {
    const args = (await readFile(runFile, 'utf8')).split('\n')
    return args.filter((_, index) => args[index - 1] === flag)
  }
  return {
    folder,
    etcDocker,
    run: (text) => run('sh', ['-ec', text.replaceAll('/etc/docker', etcDocker)], { env, cwd: folder }),
    importImage: async (layer, name) => {
      const file = join(folder, 'layer.tar')
      await writeFile(file, await buffer(layer.stream(0, layer.sizeBytes - 1)))
      await run('docker', ['import', file, name], { env })
    },
    containerEnvironment: async () => {
      const mounts = (await argumentsAfter('-v')).map((mount) => mount.split(':') as [string, string])
      const put = (text: string): string => {
        const mount = mounts.find(([from, to]) => from.startsWith('/') && text.startsWith(`${to}/`))
        return mount === undefined ? text : text.replace(mount[1], mount[0])
      }
      const variables = (await argumentsAfter('-e')).map((each) => /^([^=]+)=(.*)$/.exec(each))
      return Object.fromEntries(variables.map((match) => [match?.[1] ?? '', put(match?.[2] ?? '')]))
    },
  }
}
