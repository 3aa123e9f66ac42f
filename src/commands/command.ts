/** What a command of the command line is: a function that adds itself to the program. */
import type { Command } from 'commander'

/** What commands are told of the program. */
export interface ProgramInfo {
  readonly version: string
}

/** Adds a command, its arguments and its action. An action throws `ConfigError` or `CommandError` for what a line can tell. */
export type AddCommand = (program: Command, info: ProgramInfo) => void

/** A command could not do what it was asked. The message is one line for people. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** A command line that cannot be meant so: exit code 2 instead of 1. */
export class UsageError extends CommandError {}
