/**
 * What the kernel knows of a process and all its children: processor time and memory (proc(5)). Linux only, as the
 * servers that are compared.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'

/** Kernel's unit of processor time (`sysconf(_SC_CLK_TCK)`): 100 on every Linux that matters. */
const TICKS_PER_S = 100

/** Fields of /proc/<pid>/stat after the command's name, from `state` on. */
const PARENT_FIELD = 1
const USER_TICKS_FIELD = 11
const CHILDREN_SYSTEM_TICKS_FIELD = 14

/** What `clear_refs` takes to begin the peak anew. */
const RESET_PEAK = '5'

const readStat = async (pid: number): Promise<string[] | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

const parents = async (): Promise<Map<number, number>> => {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const stats = await Promise.all(pids.map(async (pid) => [pid, await readStat(pid)] as const))
  return new Map(stats.map(([pid, stat]) => [pid, Number(stat?.[PARENT_FIELD] ?? 0)]))
}

/** A process and what it started. */
export class ProcessTree {
  readonly pid: number

  constructor(root: number) {
    this.pid = root
  }

  /** Processor time so far, in seconds: user and system, all threads, children included. */
  async cpuSeconds(): Promise<number> {
    const stats = await Promise.all((await this.#pids()).map(readStat))
    const ticks = stats.flatMap(
      (stat) => stat?.slice(USER_TICKS_FIELD, CHILDREN_SYSTEM_TICKS_FIELD + 1) ?? [],
    )
    return ticks.reduce((sum, each) => sum + Number(each), 0) / TICKS_PER_S
  }

  /** Most memory resident at once since the last {@link resetPeak}, in bytes; of several processes the sum. */
  async peakResidentBytes(): Promise<number> {
    const peaks = await Promise.all(
      (await this.#pids()).map(async (pid) => {
        const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
        return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
      }),
    )
    return peaks.reduce((sum, each) => sum + each, 0)
  }

  /** The peak begins anew at what is resident now. */
  async resetPeak(): Promise<void> {
    await Promise.all(
      (await this.#pids()).map((pid) => writeFile(`/proc/${pid}/clear_refs`, RESET_PEAK).catch(() => {})),
    )
  }

  async #pids(): Promise<number[]> {
    const parentByPid = await parents()
    const isOfTree = (pid: number | undefined): boolean =>
      pid !== undefined && pid !== 0 && (pid === this.pid || isOfTree(parentByPid.get(pid)))
    return [...parentByPid.keys()].filter(isOfTree)
  }
}
