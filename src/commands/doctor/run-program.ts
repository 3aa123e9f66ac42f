/** Programs of this host that the doctor runs: clients, to be asked and to pull. */
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What came of a program. */
export interface ProgramResult {
  /** Whether it ended well. */
  readonly isWell: boolean
  readonly stdout: string
  /** The last line of what it said, for people. */
  readonly lastLine: string
}

/** Output that is kept, in bytes: pulls draw progress bars. */
const OUTPUT_BYTES = 64 * 1024 * 1024

/** Whether a program can be found. */
export const isInstalled = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Runs a program, without a shell. Never rejects. */
export const runProgram = (
  [program = '', ...args]: readonly string[],
  timeoutMs: number,
): Promise<ProgramResult> =>
  new Promise((resolve) => {
    const options = { timeout: timeoutMs, maxBuffer: OUTPUT_BYTES, killSignal: 'SIGKILL' } as const
    execFile(program, args, options, (error, stdout, stderr) => {
      const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
      const why = error?.killed === true ? `nothing within ${timeoutMs / 1000} s` : (error?.message ?? '')
      const lastLine = (error?.killed === true ? undefined : lines.at(-1)) ?? why
      resolve({ isWell: error === null, stdout, lastLine: lastLine.trim() })
    })
  })
