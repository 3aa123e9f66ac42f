/** skopeo with `registries.conf`. It keeps nothing. */
import { cleanEnvironment } from '../environment.ts'
import { run } from '../run.ts'
import type { Workspace } from '../workspace.ts'
import { type Mirrors, writeRegistriesConf } from './registries-conf.ts'

/** `skopeo <args>`: resolves to stdout, rejects with all output. */
export type Skopeo = (...args: string[]) => Promise<string>

/** Sets skopeo up with its files in `skopeo` below `workspace`. */
export const prepareSkopeo = async (
  workspace: Workspace,
  options: { readonly mirrors: Mirrors; readonly env: Readonly<Record<string, string>> },
): Promise<Skopeo> => {
  const folder = await workspace.folder('skopeo')
  await writeRegistriesConf(folder, options.mirrors)
  const environment = cleanEnvironment(folder, options.env)
  return (...args) => run('skopeo', args, { env: environment })
}
