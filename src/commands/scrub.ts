/** `entrepot scrub`: has the running server verify what it stores. */
import type { AddCommand } from './command.ts'
import { showFigures } from './figures.ts'
import { doJob, type JobOptions, withJob } from './job-command.ts'

/** Adds `scrub`. */
export const addScrub: AddCommand = (program) => {
  withJob(program.command('scrub'))
    .description('verify everything that is stored, and repair what has rotted')
    .action((options: JobOptions) =>
      doJob(options, { path: '/scrub', body: {} }, ({ result }) => showFigures(result)),
    )
}
