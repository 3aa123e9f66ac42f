#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 node --min-semi-space-size=16
/**
 * The command line. It also answers to the name `registry`, with the commands that people's scripts call. Exit codes:
 * 0, 1 for what cannot be done (one line on stderr), 2 for a command line that cannot be understood.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Command, CommanderError } from 'commander'
import { loadCommands } from './commands/all.ts'
import { CommandError, UsageError } from './commands/command.ts'
import { ConfigError } from './config/error.ts'

const FAILURE = 1
const USAGE = 2

const DEFAULT_COMMAND = 'serve'

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
  for (const add of await loadCommands(argv[2] ?? DEFAULT_COMMAND)) add(program, { version })
  await program.parseAsync(argv)
}

try {
  await run(process.argv)
} catch (error) {
  process.exit(tell(error))
}
