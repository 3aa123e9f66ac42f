/** skopeo with `registries.conf`. It keeps nothing. */
import type { Workspace } from '../workspace.ts'
import { type Mirrors, writeRegistriesConf } from './registries-conf.ts'
import { prepareTool, type Tool } from './tool.ts'

/** What skopeo needs to know. */
export interface SkopeoOptions {
  readonly mirrors: Mirrors
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Sets skopeo up with its files in `skopeo` below `workspace`. */
export const prepareSkopeo = async (workspace: Workspace, { mirrors, env }: SkopeoOptions): Promise<Tool> => {
  await writeRegistriesConf(await workspace.folder('skopeo'), mirrors)
  return prepareTool(workspace, 'skopeo', env)
}
