/** `entrepot warm REFERENCE...`: has the running server fetch images ahead. */
import type { AddCommand } from './command.ts'
import { doJob, type JobOptions, withJob } from './job-command.ts'

/** Adds `warm`. */
export const addWarm: AddCommand = (program) => {
  withJob(program.command('warm'))
    .argument('<reference...>', 'images: alpine:3, ghcr.io/org/app:v1')
    .option(
      '-p, --platform <platform>',
      'a platform, such as linux/arm64; can be repeated; default: those of the configuration',
      (platform: string, all: readonly string[] = []) => [...all, platform],
    )
    .description('fetch images ahead, so that their first pull is a hit')
    .action(async (references: string[], options: JobOptions & { readonly platform?: readonly string[] }) => {
      const platforms = options.platform
      await doJob(options, { path: '/warm', body: { references, ...(platforms && { platforms }) } })
    })
}
