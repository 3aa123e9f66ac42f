/**
 * The built program, collecting garbage far more often than it does by itself:
 *
 *     node --import tsx collecting.ts <config.yml> <every so many milliseconds> <milliseconds of grace>
 */
import { fileURLToPath } from 'node:url'

const built = async <T>(file: string): Promise<T> =>
  (await import(new URL(`../../../dist/${file}`, import.meta.url).href)) as T

/** Its path. */
export const COLLECTING = fileURLToPath(import.meta.url)

const run = async ([file = '', everyMs, graceMs]: readonly string[]): Promise<void> => {
  const { loadConfig } = await built<typeof import('../../../src/config/load.ts')>('config/load.js')
  const { serve } = await built<typeof import('../../../src/serve.ts')>('serve.js')
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
