/** What a check of settings against each other is given to say. */
import type { Path } from '../error.ts'
import type { Config } from '../schema.ts'

/** Says what is wrong. */
export interface Report {
  /** Ends the reading of the configuration with a mistake at a key. */
  fail(path: Path, problem: string, allowed?: string): never
  /** Says something that does not stop the start. */
  warn(path: Path, text: string): void
}

/** Looks at settings that have a meaning only together. */
export type Check = (config: Config, report: Report) => void
