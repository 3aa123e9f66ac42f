/** Where a process lives, as far as others on the same volume can tell it from theirs. */
import { hostname, uptime } from 'node:os'

/** A machine or a container, and this process in it. Times are milliseconds since the epoch. */
export interface Machine {
  readonly host: string
  readonly pid: number
  /** When this process began. */
  readonly startedAtMs: number
  readonly now: () => number
  readonly bootedAtMs: () => number
  /** Whether there is a process of that number. */
  readonly isRunning: (pid: number) => boolean
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const MS_PER_S = 1000

/** This process where it is. */
export const thisMachine: Machine = {
  host: hostname(),
  pid: process.pid,
  startedAtMs: Date.now() - process.uptime() * MS_PER_S,
  now: Date.now,
  bootedAtMs: () => Date.now() - uptime() * MS_PER_S,
  isRunning,
}
