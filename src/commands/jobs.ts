/** `entrepot jobs [ID]`: what the running server does in the background, or did. */
import type { Job, JobsAnswer } from './admin-answers.ts'
import { withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, UsageError } from './command.ts'
import { showFigures } from './figures.ts'
import { showJob } from './job-command.ts'
import { print, printJson } from './print.ts'
import { formatTable, toPlain } from './table.ts'
import { formatAgo, formatBytes } from './units.ts'

/** Adds `jobs`. */
export const addJobs: AddCommand = (program) => {
  withServer(program.command('jobs'))
    .argument('[id]', 'a job: its parts')
    .option('--cancel', 'end it')
    .description('list what runs in the background (warm, scrub, gc), and what came of it')
    .action(async (id: string | undefined, options: AdminOptions & { readonly cancel?: true }) => {
      if (options.cancel && id === undefined) throw new UsageError('--cancel which job?')
      await withClient(options, async (client) => {
        if (id === undefined) {
          const answer = await client.get<JobsAnswer>('/jobs')
          if (options.json) printJson(answer)
          else print(showJobs(answer, Date.now()))
          return
        }
        const path = `/jobs/${encodeURIComponent(id)}`
        if (options.cancel) await client.send('DELETE', path)
        const job = await client.get<Job>(path)
        if (options.json) printJson(job)
        else print(showParts(job))
      })
    })
}

const showJobs = ({ jobs }: JobsAnswer, nowMs: number): string =>
  jobs.length === 0
    ? 'there were no jobs\n'
    : formatTable(
        [
          { heading: 'JOB' },
          { heading: 'KIND' },
          { heading: 'STATE' },
          { heading: 'STARTED' },
          { heading: 'DONE', isFigure: true },
          { heading: 'BYTES', isFigure: true },
          { heading: 'ERROR' },
        ],
        jobs.map(({ id, kind, state, startedAt, progress, error = '' }) => [
          id,
          kind,
          state,
          formatAgo(startedAt, nowMs),
          `${progress.done}${progress.total === undefined ? '' : ` of ${progress.total}`}`,
          formatBytes(progress.bytes),
          error,
        ]),
      )

const showParts = (job: Job): string => {
  const parts = job.items?.map(
    ({ name, state, error }) => `  ${state.padEnd(8)} ${toPlain(`${name}${error ? `: ${error}` : ''}`)}\n`,
  )
  return `${showJob(job)}${job.error === undefined ? '' : `  ${toPlain(job.error)}\n`}${(parts ?? []).join('')}${showFigures(job.result)}`
}
