/** `entrepot serve [config.yml]`: runs the server until a signal ends it. The default command. */
import { loadConfig } from '../config/load.ts'
import type { AddCommand } from './command.ts'

/** Adds `serve`. */
export const addServe: AddCommand = (program, { version }) => {
  program
    .command('serve', { isDefault: true })
    .argument('[config]', 'configuration file; default: see `config`')
    .description('serve the mirror and the registry (the default command)')
    .action(async (file: string | undefined) => {
      const { config, warnings } = loadConfig({ file, env: process.env })
      // only now: other commands need none of what a server needs
      const { serve } = await import('../serve.ts')
      stopOnSignal(
        await serve(config, { version, warnings, becomesOwner: process.env.ENTREPOT_AS_OWNER === '1' }),
      )
    })
}

/** The first SIGTERM or SIGINT lets transfers end, a second one ends the process at once. */
const stopOnSignal = (server: { stop(): Promise<void> }): void => {
  let isStopping = false
  const stop = () => {
    if (isStopping) process.exit(1)
    isStopping = true
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
