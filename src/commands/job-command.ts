/** What commands that start a job of the running server share: `--detach`, the answer, the exit code. */
import type { Command } from 'commander'
import type { Job } from './admin-answers.ts'
import { withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { CommandError } from './command.ts'
import { print, printJson } from './print.ts'
import { isWellDone, runJob } from './run-job.ts'
import { formatBytes, formatSpan } from './units.ts'

/** Options of a command that starts a job. */
export interface JobOptions extends AdminOptions {
  readonly detach?: true
}

/** Adds the options to a command. */
export const withJob = (command: Command): Command =>
  withServer(command).option('--detach', 'do not wait: print the job, which goes on in the server')

/**
 * Has the server do a job, and tells what came of it.
 * @param show the result for people, below the line that every job has
 * @throws CommandError where it, or a part of it, failed or was cancelled
 */
export const doJob = async (
  options: JobOptions,
  { path, body }: { readonly path: string; readonly body: object },
  show: (job: Job) => string = () => '',
): Promise<void> => {
  await withClient(options, async (client) => {
    if (options.detach === true) {
      const job = await client.send<Job>('POST', path, body)
      if (options.json) printJson(job)
      else print(`${job.kind} runs as job ${job.id}: look with entrepot jobs ${job.id}\n`)
      return
    }
    const job = await runJob(client, path, body)
    if (options.json) printJson(job)
    else print(`${showJob(job)}${show(job)}`)
    requireWellDone(job)
  })
}

/** @throws CommandError */
const requireWellDone = (job: Job): void => {
  if (isWellDone(job)) return
  const failed = job.items?.filter(({ state }) => state === 'failed').length ?? 0
  throw new CommandError(
    job.state === 'done'
      ? `${job.kind}: ${failed} of ${job.items?.length} failed`
      : `${job.kind} ${job.state}${job.error === undefined ? '' : `: ${job.error}`}`,
  )
}

/** A job in a line: `warm done: 3 of 3, 1.20 GiB in 45 s`. */
export const showJob = ({ kind, state, progress, startedAt, endedAt }: Job): string => {
  const { done, total, bytes } = progress
  const span = endedAt === undefined ? '' : ` in ${formatSpan(Date.parse(endedAt) - Date.parse(startedAt))}`
  return `${kind} ${state}: ${done}${total === undefined ? '' : ` of ${total}`}, ${formatBytes(bytes)}${span}\n`
}
