/** Runs the command line as people do. */
import { spawn } from 'node:child_process'
import { MAIN, NODE_OPTIONS } from './project.ts'

/** What came of a command. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `entrepot` with arguments, in a folder, with a standard input that ends after `input`, and `env` beside ours. */
export const runEntrepot = (
  args: readonly string[],
  {
    cwd,
    input = '',
    env = {},
  }: { readonly cwd: string; readonly input?: string; readonly env?: Readonly<Record<string, string>> },
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...NODE_OPTIONS, MAIN, ...args], {
      cwd,
      env: { ...process.env, ...env },
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => {
      output.stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      output.stderr += chunk
    })
    // A command that does not read its input closes it: no matter.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...output }))
  })
