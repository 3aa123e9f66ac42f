/**
 * The image where no engine can build it: the steps of the Dockerfile's last stage are taken by hand, over a copy of this
 * machine's root that writes elsewhere (an overlay), which becomes read-only before anything runs in it. What an engine
 * would add stays as it is here: packages, the network, the first stage, whose program is the built one.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from './environment.ts'
import { Program } from './program.ts'
import { run } from './run.ts'
import type { Workspace } from './workspace.ts'

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url))
/** Where the first stage of the Dockerfile builds. */
const BUILT = '/build/'

/** A line of the Dockerfile: `COPY`, and what follows it. */
interface Step {
  readonly word: string
  readonly rest: string
}

/** How the image is run: `-v` and `-e` of `docker run`. */
export interface ContainerOptions {
  /** Path of this machine by path in the container. */
  readonly mounts: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
}

const readSteps = (): Step[] => {
  const text = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8').replace(/\\\n/g, ' ')
  const lines = text.split('\n').filter((line) => /^[A-Z]/.test(line))
  const steps = lines.map((line) => {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    return { word, rest }
  })
  return steps.slice(steps.findLastIndex(({ word }) => word === 'FROM') + 1)
}

/** Why no overlay over this machine's root can be mounted here, as for a root that is an overlay itself; false: it can. */
export const skipWithoutOverlay = (): string | false => {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-overlay-'))
  const [root, upper, work] = ['root', 'upper', 'work'].map((name) => join(folder, name))
  for (const each of [root, upper, work]) mkdirSync(each!)
  try {
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', overlayOptions(upper!, work!), root!])
    execFileSync('umount', [root!])
    return false
  } catch (error) {
    return `no overlay can be mounted here: ${(error as Error).message.trim()}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const overlayOptions = (upper: string, work: string): string => `lowerdir=/,upperdir=${upper},workdir=${work}`

/** The image as it came of its steps. */
export class Image {
  readonly #root: string
  readonly #workspace: Workspace
  readonly #steps: readonly Step[]

  private constructor(workspace: Workspace, root: string, steps: readonly Step[]) {
    this.#workspace = workspace
    this.#root = root
    this.#steps = steps
  }

  /** Takes the steps. Whoever may not mount cannot. */
  static async build(workspace: Workspace): Promise<Image> {
    const [root, upper, work] = await Promise.all(
      ['root', 'upper', 'work'].map((name) => workspace.folder(`image/${name}`)),
    )
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', overlayOptions(upper!, work!), root!])
    const image = new Image(workspace, root!, readSteps())
    for (const step of image.#steps) await image.#take(step)
    execFileSync('mount', ['-o', 'remount,ro', root!])
    for (const each of ['/proc', '/dev']) image.#mount(each, each)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(root!, 'tmp')])
    return image
  }

  /** Starts a container. Its folders stay mounted as long as the workspace is there. */
  start({ mounts, environment = {} }: ContainerOptions, args = this.#list('CMD')): Program {
    for (const [to, from] of Object.entries(mounts)) this.#mount(from, to)
    return Program.start(this.#workspace, {
      command: 'chroot',
      args: [this.#root, ...this.#list('ENTRYPOINT'), ...args],
      env: this.#environment(environment),
    })
  }

  /** Runs a command in it, through its entry point. @throws Error where it fails */
  run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const command = [this.#root, ...this.#list('ENTRYPOINT'), ...args]
    return run('chroot', command, { env: this.#environment(environment) })
  }

  /** The command of its health check. */
  get healthCheck(): string[] {
    return JSON.parse(this.#find('HEALTHCHECK').replace(/^.*CMD /, ''))
  }

  #environment(extra: Readonly<Record<string, string>>): Record<string, string> {
    const pairs = this.#find('ENV')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string])
    return { ...cleanEnvironment('/'), ...Object.fromEntries(pairs), ...extra }
  }

  #find(wanted: string): string {
    const step = this.#steps.find(({ word }) => word === wanted)
    if (step === undefined) throw new Error(`the Dockerfile has no ${wanted}`)
    return step.rest
  }

  #list(word: string): string[] {
    return JSON.parse(this.#find(word))
  }

  #mount(from: string, to: string): void {
    execFileSync('mount', ['--bind', from, join(this.#root, to)])
  }

  async #take({ word, rest }: Step): Promise<void> {
    if (word === 'COPY') await this.#copy(rest)
    else if (word === 'RUN' && !rest.startsWith('apk '))
      await run('chroot', [this.#root, 'sh', '-ec', rest], { env: cleanEnvironment('/') })
  }

  async #copy(rest: string): Promise<void> {
    const [from = '', to = ''] = rest.split(' ').filter((word) => !word.startsWith('--'))
    const source = join(PROJECT, from.startsWith(BUILT) ? from.slice(BUILT.length) : from)
    const target = join(this.#root, to)
    mkdirSync(dirname(target), { recursive: true })
    // Hundreds of megabytes are not copied.
    if (from.endsWith('/node_modules')) {
      mkdirSync(target, { recursive: true })
      this.#mount(await realpath(source), to)
    } else cpSync(source, target, { recursive: true, force: true })
  }
}
