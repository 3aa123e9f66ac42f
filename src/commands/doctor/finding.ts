/** What the doctor finds: a line each. */
import { toPlain } from '../table.ts'

/** Whether something is as it should be, might do harm, or keeps clients from the mirror. */
export type Level = 'ok' | 'warning' | 'problem'

/** A finding: what is so, and what to do where it should not be. */
export interface Finding {
  readonly level: Level
  readonly text: string
  readonly remedy?: string
}

/** All is well. */
export const ok = (text: string): Finding => ({ level: 'ok', text })

/** It works, but. */
export const warning = (text: string, remedy: string): Finding => ({ level: 'warning', text, remedy })

/** It does not work. */
export const problem = (text: string, remedy: string): Finding => ({ level: 'problem', text, remedy })

/** A registry that a client does not know this server as a mirror of: for the default one that is what it is for. */
export const unmirrored = (isDefault: boolean): typeof problem => (isDefault ? problem : warning)

/** A finding as a line: `problem  /etc/docker/daemon.json names no mirror: add …`. */
export const formatFinding = ({ level, text, remedy }: Finding): string =>
  `${level.padEnd(7)}  ${toPlain(remedy === undefined ? text : `${text}: ${remedy}`)}\n`
