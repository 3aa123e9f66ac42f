/** wrk, where it is installed: it costs less than a client of our own, so that a fast server is not held back by it. */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../e2e/support/run.ts'
import { findExecutable } from '../servers/server.ts'
import { ACCEPT, type Target } from './connection.ts'
import type { Requested } from './requests.ts'

const SCRIPT = fileURLToPath(new URL('./wrk.lua', import.meta.url))

/** The program, if it is installed. */
export const findWrk = (): string | undefined => findExecutable('wrk')

/** What to ask, by GET. */
export interface WrkOrder {
  readonly target: Target
  /** Asked in turn. */
  readonly paths: readonly string[]
  readonly connections: number
  /** Whole seconds, in milliseconds. */
  readonly forMs: number
}

/** Asks as `order` says. @throws Error where an answer is not a 200 */
export const runWrk = async (wrk: string, order: WrkOrder): Promise<Requested> => {
  const { target, paths, connections, forMs } = order
  const pathsFile = join(tmpdir(), `entrepot-bench-${process.pid}.paths`)
  await writeFile(pathsFile, paths.join('\n'))
  const url = `http://${target.host}:${target.port}`
  const args = [
    '-t',
    '1',
    '-c',
    String(connections),
    '-d',
    `${Math.ceil(forMs / 1000)}s`,
    '-s',
    SCRIPT,
    url,
    '--',
  ]
  const output = await run(wrk, [...args, pathsFile, ACCEPT], { env: { PATH: process.env.PATH ?? '' } })
  const { failures, ...requested } = JSON.parse(output.split('\n').at(-1) ?? '') as Requested & {
    failures: number
  }
  if (failures > 0) throw new Error(`${failures} requests failed:\n${output}`)
  return requested
}
