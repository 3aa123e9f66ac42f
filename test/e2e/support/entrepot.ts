/** entrepot as its users run it: the built program in a process of its own, with a configuration file. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from './environment.ts'
import { findFreePort } from './ports.ts'
import { Program } from './program.ts'
import { answersHttp } from './wait.ts'
import type { Workspace } from './workspace.ts'

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
const THREADS = '16'
/** As the program's first line and the image have it. */
const YOUNG = '--min-semi-space-size=16'

/** A running entrepot. */
export interface Entrepot {
  /** `host:port` of the registry. */
  readonly address: string
  /** `http://host:port` of the debug listener. */
  readonly debugUrl: string
  /** `storage.filesystem.rootdirectory`. */
  readonly rootDirectory: string
  readonly configFile: string
  /** The last of what it logged. */
  output(): string
  /** The most memory it had resident at once so far, in bytes. */
  peakResidentBytes(): Promise<number>
  /** The memory that it has resident now, in bytes. */
  residentBytes(): Promise<number>
  /** What it has open: paths, and `socket:[…]` and the like for what has none. */
  openFiles(): Promise<string[]>
  /** How it ended: its status, or the signal; `undefined` while it runs. */
  ending(): number | string | undefined
  /** SIGTERM. Resolves when it is gone. */
  stop(): Promise<void>
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
}

/** How to run it. */
export interface EntrepotOptions {
  /** Sections of the configuration, beside or instead of log, storage and http. */
  readonly sections?: Readonly<Record<string, unknown>>
  /** Keys of the section `http`, beside the addresses. */
  readonly http?: Readonly<Record<string, unknown>>
  /** A script that runs it, and what that is given after the configuration file; default: the program itself. */
  readonly run?: { readonly script: string; readonly args: readonly string[] }
  /** A store that exists already; default: an empty one in the workspace. */
  readonly rootDirectory?: string
}

/** Starts entrepot; its files lie below `workspace`. */
export const startEntrepot = async (
  workspace: Workspace,
  options: EntrepotOptions = {},
): Promise<Entrepot> => {
  const folder = await workspace.folder('entrepot')
  const rootDirectory = options.rootDirectory ?? join(folder, 'registry')
  const address = `127.0.0.1:${await findFreePort()}`
  const debug = `127.0.0.1:${await findFreePort()}`
  const config = {
    version: '0.1',
    log: { level: 'info', formatter: 'json' },
    storage: { filesystem: { rootdirectory: rootDirectory }, delete: { enabled: true } },
    http: { addr: address, debug: { addr: debug }, ...options.http },
    ...options.sections,
  }
  const configFile = join(folder, 'config.yml')
  await writeFile(configFile, JSON.stringify(config))
  const { run } = options
  const args =
    run === undefined
      ? [YOUNG, MAIN, 'serve', configFile]
      : ['--import', 'tsx', run.script, configFile, ...run.args]
  const program = Program.start(workspace, {
    command: process.execPath,
    args,
    env: cleanEnvironment(folder, { UV_THREADPOOL_SIZE: THREADS }),
  })
  // The last thing that it opens, and never behind TLS.
  await program.ready(() => answersHttp(`http://${debug}/healthz`))
  return {
    address,
    debugUrl: `http://${debug}`,
    rootDirectory,
    configFile,
    output: () => program.output,
    peakResidentBytes: () => program.peakResidentBytes(),
    residentBytes: () => program.residentBytes(),
    openFiles: () => program.openFiles(),
    ending: () => program.ending,
    stop: () => program.stop(),
    kill: () => program.kill(),
  }
}
