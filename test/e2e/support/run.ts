/** Programs that a test runs to their end. */
import { execFile } from 'node:child_process'

const RUN_MS = 120_000
const OUTPUT_BYTES = 16 * 1024 * 1024

/** How to run a command. */
export interface RunOptions {
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** For its stdin. */
  readonly input?: string
  readonly timeoutMs?: number
}

/**
 * Runs a command and resolves to what it wrote to stdout, without the last line break.
 * @throws Error with the command line and all its output, where it fails or takes longer than `timeoutMs`
 */
export const run = (command: string, args: readonly string[], options: RunOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const { env, cwd, input = '', timeoutMs = RUN_MS } = options
    const settings = {
      env: { ...env },
      cwd,
      timeout: timeoutMs,
      maxBuffer: OUTPUT_BYTES,
      killSignal: 'SIGKILL',
    } as const
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout.replace(/\n$/, ''))
      const why =
        error.killed === true ? `took longer than ${timeoutMs} ms` : `failed (${error.code ?? error.signal})`
      reject(new Error(`${command} ${args.join(' ')} ${why}\n${stdout}${stderr}`))
    })
    child.stdin?.on('error', () => {}).end(input)
  })
