/**
 * Long-running programs beside a test: each in a process group of its own, its last output kept for the message of a
 * failure, and stopped for sure, also when the test process dies first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { waitUntil } from './wait.ts'
import type { Workspace } from './workspace.ts'

/** What to start. */
export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
}

const READY_MS = 30_000
const GRACE_MS = 15_000
const OUTPUT_CHARACTERS = 16 * 1024

/** A program that was started. */
export class Program {
  static readonly #running = new Set<Program>()

  readonly #name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #output = ''

  private constructor({ command, args, env }: ProgramOptions) {
    this.#name = command
    this.#child = spawn(command, args, { env: { ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exited = once(this.#child, 'exit').catch((error: unknown) => this.#keep(`${error}\n`))
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text))
  }

  /** Starts a program, to be stopped with `workspace` at the latest. */
  static start(workspace: Workspace, options: ProgramOptions): Program {
    const program = new Program(options)
    Program.#running.add(program)
    workspace.defer(() => program.stop())
    return program
  }

  /** `kill -9` for all that still run. */
  static killAll(): void {
    for (const program of Program.#running) program.#signal('SIGKILL')
  }

  /** The last of what it wrote to stdout and stderr. */
  get output(): string {
    return this.#output
  }

  /** How it ended: its status, or the signal; `undefined` while it runs. */
  get ending(): number | NodeJS.Signals | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Whether it still runs. */
  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /**
   * The most memory that was resident at once so far, in bytes (`VmHWM`).
   * @throws Error where it does not run
   */
  async peakResidentBytes(): Promise<number> {
    return this.#readMemory('VmHWM')
  }

  /**
   * The memory that is resident, in bytes (`VmRSS`).
   * @throws Error where it does not run
   */
  async residentBytes(): Promise<number> {
    return this.#readMemory('VmRSS')
  }

  /** What it has open: paths, and `socket:[…]` and the like for what has none. @throws Error where it does not run */
  async openFiles(): Promise<string[]> {
    const folder = `/proc/${this.#child.pid}/fd`
    const descriptors = await readdir(folder)
    // Some are closed a moment later.
    return Promise.all(descriptors.map((each) => readlink(`${folder}/${each}`).catch(() => 'closed')))
  }

  /** Resolves when `probe` says yes; rejects with the program's output when it ends before, or takes too long. */
  async ready(probe: () => Promise<boolean> | boolean, timeoutMs = READY_MS): Promise<void> {
    try {
      await waitUntil(`${this.#name}: ready`, async () => !this.isRunning || (await probe()), timeoutMs)
    } catch (cause) {
      throw new Error(`${this.#name} does not get ready:\n${this.#output}`, { cause })
    }
    if (!this.isRunning) throw new Error(`${this.#name} ended at once:\n${this.#output}`)
  }

  /** Asks it to end, and makes it if it does not. Resolves when its process group is gone. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM')
    const timer = setTimeout(() => this.#signal('SIGKILL'), GRACE_MS)
    await this.#exited
    clearTimeout(timer)
    this.#end()
  }

  /** `kill -9` for its whole process group. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#exited
    this.#end()
  }

  /** Ends what the program left of its group. From here on the group's id may be somebody else's. */
  #end(): void {
    this.#signal('SIGKILL')
    Program.#running.delete(this)
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined || !Program.#running.has(this)) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // Nobody is left in the group.
    }
  }

  async #readMemory(name: string): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS)
  }
}

process.on('exit', () => Program.killAll())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
