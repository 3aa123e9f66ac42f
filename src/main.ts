#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 node
/**
 * The command line. It also answers to the name `registry`, with the commands that people's scripts call. Exit codes:
 * 0, 1 for what cannot be done (one line on stderr), 2 for a command line that cannot be understood.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Command, CommanderError } from 'commander'
import { addAccess } from './commands/access.ts'
import { addCerts } from './commands/certs.ts'
import { type AddCommand, CommandError, UsageError } from './commands/command.ts'
import { addConfig } from './commands/config.ts'
import { addExplain } from './commands/explain.ts'
import { addGc } from './commands/gc.ts'
import { addHealth } from './commands/health.ts'
import { addJobs } from './commands/jobs.ts'
import { addLs } from './commands/ls.ts'
import { addPin, addUnpin } from './commands/pin.ts'
import { addPurge } from './commands/purge.ts'
import { addRefresh } from './commands/refresh.ts'
import { addScrub } from './commands/scrub.ts'
import { addServe } from './commands/serve.ts'
import { addStatus } from './commands/status.ts'
import { addUser } from './commands/user.ts'
import { addWarm } from './commands/warm.ts'
import { ConfigError } from './config/error.ts'

const SERVER: readonly AddCommand[] = [addServe, addConfig, addHealth]
const CONTENT: readonly AddCommand[] = [
  ...[
    addStatus,
    addLs,
    addExplain,
    addPurge,
    addWarm,
    addRefresh,
    addPin,
    addUnpin,
    addScrub,
    addGc,
    addJobs,
  ],
]
const PEOPLE: readonly AddCommand[] = [addUser, addAccess, addCerts]
const COMMANDS: readonly AddCommand[] = [...SERVER, ...CONTENT, ...PEOPLE]

const FAILURE = 1
const USAGE = 2

const readVersion = (): string => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Tells what went wrong: mistakes and failures of the system in one line, anything else with its stack. */
const tell = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
  const text = !(error instanceof Error) ? String(error) : isExpected(error) ? error.message : error.stack
  process.stderr.write(`entrepot: ${text}\n`)
  return error instanceof UsageError ? USAGE : FAILURE
}

const isExpected = (error: Error): boolean =>
  error instanceof ConfigError || error instanceof CommandError || 'syscall' in error

const run = async (argv: readonly string[]): Promise<void> => {
  const version = readVersion()
  const isRegistry = basename(argv[1] ?? '') === 'registry'
  const program = new Command(isRegistry ? 'registry' : 'entrepot')
    .description('A container registry and a pull-through mirror on one address and one volume.')
    .version(isRegistry ? `registry entrepot ${version}` : `entrepot ${version}`, '-v, --version')
    .exitOverride()
  for (const add of COMMANDS) add(program, { version })
  await program.parseAsync(argv)
}

try {
  await run(process.argv)
} catch (error) {
  process.exit(tell(error))
}
