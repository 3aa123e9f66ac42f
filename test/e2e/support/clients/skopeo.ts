/** skopeo with `registries.conf`. It keeps nothing. */
import type { Workspace } from '../workspace.ts'
import { authEnvironment, writeRegistriesConf } from './registries-conf.ts'
import { prepareTool, type Tool } from './tool.ts'

/** What skopeo needs to know. */
export interface SkopeoOptions {
  /** Text of `registries.conf`. */
  readonly conf: string
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Sets skopeo up with its files in `skopeo` below `workspace`. */
export const prepareSkopeo = async (workspace: Workspace, { conf, env }: SkopeoOptions): Promise<Tool> => {
  const folder = await workspace.folder('skopeo')
  await writeRegistriesConf(folder, conf)
  return prepareTool(workspace, 'skopeo', { ...env, ...authEnvironment(folder) })
}
