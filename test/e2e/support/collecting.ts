/**
 * The program from its sources, collecting garbage far more often than it does by itself:
 *
 *     node --import tsx collecting.ts <config.yml> <every so many milliseconds> <milliseconds of grace>
 */
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../../src/config/load.ts'
import { serve } from '../../../src/serve.ts'

/** Its path. */
export const COLLECTING = fileURLToPath(import.meta.url)

const run = async ([file = '', everyMs, graceMs]: readonly string[]): Promise<void> => {
  const { config, warnings } = loadConfig({ file, env: {} })
  const collect = { everyMs: Number(everyMs), graceMs: Number(graceMs) }
  const server = await serve(config, { version: 'test', warnings, collect })
  process.once('SIGTERM', () => {
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}

if (process.argv[1] === COLLECTING) await run(process.argv.slice(2))
