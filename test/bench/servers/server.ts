/** A program under measurement, and what all of them have in common. */
import { accessSync, constants } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanEnvironment } from '../../e2e/support/environment.ts'
import { Program } from '../../e2e/support/program.ts'
import type { Workspace } from '../../e2e/support/workspace.ts'
import type { Target } from '../client/connection.ts'
import { ProcessTree } from '../measure/process.ts'

/** A certificate for loopback and the authority that signed it: PEM files. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

/** What a server is to be. */
export interface ServerOptions {
  /** Origin of the registry that it mirrors, `http://host:port`; unset: it takes pushes. */
  readonly upstream?: string | undefined
  /** Its store; unset: an empty one. For a server of plain files: the folder of the files. */
  readonly rootDirectory?: string | undefined
  /** TLS; unset: plain HTTP. */
  readonly certificate?: Certificate | undefined
  /** Hosts of further upstreams, which all are the one that it mirrors; entrepot alone. */
  readonly mirrors?: readonly string[]
  /** Whether content may be deleted; entrepot alone. */
  readonly allowsDeletes?: boolean
  /** PEM file of an authority that it trusts besides. */
  readonly trustedCaFile?: string | undefined
}

/** A server in use. */
export interface Server {
  readonly name: ContestantName
  readonly target: Target
  /** `http(s)://host:port`. */
  readonly url: string
  readonly process: ProcessTree
  /** When its program was started, on the clock of `performance.now`. */
  readonly startedAtMs: number
  /** `http://host:port` of metrics, where there are any. */
  readonly debugUrl?: string
  stop(): Promise<void>
}

/** Who is compared: entrepot, its peers, and the practical limit. */
export type ContestantName =
  | 'entrepot'
  | 'docker-registry'
  | 'distribution'
  | 'nginx-cache'
  | 'nginx-static'
  | 'node'
  | 'direct'

/** A program that can be started as a server. */
export interface Contestant {
  readonly name: ContestantName
  /** Its executable, or `undefined` where it is not installed. */
  executable(): string | undefined
  start(workspace: Workspace, folder: string, options: ServerOptions): Promise<Server>
}

/** The first executable of that name in `PATH` or in `extraFolders`. */
export const findExecutable = (command: string, extraFolders: readonly string[] = []): string | undefined =>
  [...extraFolders, ...(process.env.PATH ?? '').split(delimiter)]
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** Longest wait for a program to listen, and how often it is looked at, in milliseconds. */
const START_MS = 30_000
const LOOK_MS = 2

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

/** How a program is started, once its configuration is written. */
export interface Launch {
  readonly name: ContestantName
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly port: number
  readonly options: ServerOptions
  readonly debugUrl?: string
}

/** Starts a program and waits until it answers. */
export const launch = async (workspace: Workspace, folder: string, how: Launch): Promise<Server> => {
  const { name, command, args, env, port, options, debugUrl } = how
  const { certificate } = options
  const startedAtMs = performance.now()
  const program = Program.start(workspace, { command, args, env: cleanEnvironment(folder, env) })
  while (program.isRunning && performance.now() - startedAtMs < START_MS && !(await isListening(port)))
    await sleep(LOOK_MS)
  if (!program.isRunning) throw new Error(`${name} ended at once:\n${program.output}`)
  return {
    name,
    target: { host: '127.0.0.1', port, caFile: certificate?.caFile },
    startedAtMs,
    url: `http${certificate === undefined ? '' : 's'}://127.0.0.1:${port}`,
    process: new ProcessTree(program.pid),
    ...(debugUrl !== undefined && { debugUrl }),
    stop: () => program.stop(),
  }
}
