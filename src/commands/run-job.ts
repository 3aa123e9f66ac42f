/** Jobs of the running server, watched from here: a bar on a terminal, a line for what failed, Ctrl-C to cancel. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from './admin-answers.ts'
import type { AdminClient } from './admin-client.ts'
import { ProgressBar, type Screen } from './progress.ts'

/** How often a job is looked at, in milliseconds. */
const LOOK_MS = 400

/** What watching needs besides the server. */
export interface WatchOptions {
  readonly screen: Screen
  /** Milliseconds, for the speed. */
  readonly now: () => number
  /** Aborted by Ctrl-C: cancels the job. */
  readonly signal: AbortSignal
  readonly lookMs?: number
}

/**
 * Watches a job to its end, and says what of it failed.
 * @throws AdminError where the server no longer knows it
 */
export const watchJob = async (client: AdminClient, started: Job, options: WatchOptions): Promise<Job> => {
  const { screen, now, signal, lookMs = LOOK_MS } = options
  const bar = new ProgressBar(screen, now)
  const told = new Set<string>()
  let job = started
  let isCancelled = false
  try {
    for (;;) {
      for (const line of newEnds(job, told)) bar.say(line)
      if (job.state !== 'running') return job
      bar.show(job.progress)
      if (signal.aborted && !isCancelled) {
        isCancelled = true
        await client.send('DELETE', `/jobs/${job.id}`)
      } else await sleep(lookMs, undefined, isCancelled ? {} : { signal }).catch(() => undefined)
      job = await client.get<Job>(`/jobs/${job.id}`)
    }
  } finally {
    bar.clear()
  }
}

/** A line for each part that has failed or was passed over since the last look. */
const newEnds = ({ items = [] }: Job, told: Set<string>): string[] =>
  items.flatMap(({ name, state, error }) => {
    if ((state !== 'failed' && state !== 'skipped') || told.has(name)) return []
    told.add(name)
    return [`${name}: ${state}${error === undefined ? '' : `, ${error}`}`]
  })

/** Whether a job and all of its parts came to a good end. */
export const isWellDone = ({ state, items = [] }: Job): boolean =>
  state === 'done' && items.every((item) => item.state !== 'failed')

/** Starts a job and watches it at this process's terminal. */
export const runJob = async (client: AdminClient, path: string, body: object): Promise<Job> => {
  const started = await client.send<Job>('POST', path, body)
  const interrupt = new AbortController()
  const onInterrupt = (): void => {
    // Whoever does not want to wait for the end of it says so twice.
    if (interrupt.signal.aborted) process.exit(1)
    interrupt.abort()
  }
  process.on('SIGINT', onInterrupt)
  try {
    return await watchJob(client, started, {
      screen: process.stderr,
      now: () => performance.now(),
      signal: interrupt.signal,
    })
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}
