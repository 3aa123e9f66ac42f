/** `entrepot outage UPSTREAM DURATION`: an outage drill: has the running server treat an upstream as unreachable. */
import { type AdminClient, withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, UsageError } from './command.ts'

/** Adds `outage`. */
export const addOutage: AddCommand = (program) => {
  withServer(program.command('outage'))
    .argument('<upstream>', 'its name: see entrepot status')
    .argument('[duration]', 'for how long: 10m')
    .option('--end', 'end the drill')
    .description('treat an upstream as unreachable for a while, to see what clients make of it')
    .action(
      (upstream: string, duration: string | undefined, options: AdminOptions & { readonly end?: true }) => {
        if ((duration === undefined) !== (options.end === true))
          throw new UsageError('say for how long, such as 10m, or --end')
        return withClient(options, (client) => drill(client, upstream, duration))
      },
    )
}

const drill = async (client: AdminClient, upstream: string, duration: string | undefined): Promise<void> => {
  const path = `/upstreams/${encodeURIComponent(upstream)}/outage`
  if (duration === undefined) await client.send('DELETE', path)
  else await client.send('PUT', path, { for: duration })
  const what = duration === undefined ? 'asked again' : `treated as unreachable for ${duration}`
  process.stderr.write(`${upstream} is ${what}\n`)
}
