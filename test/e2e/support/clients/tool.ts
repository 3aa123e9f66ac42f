/** Command-line clients that need nothing but a home folder. */
import { cleanEnvironment } from '../environment.ts'
import { run } from '../run.ts'
import type { Workspace } from '../workspace.ts'

/** `<command> <args>`: resolves to stdout, rejects with all output. It runs in its home folder. */
export type Tool = (...args: string[]) => Promise<string>

/** Sets `command` up with a home folder of its own below `workspace`. */
export const prepareTool = async (
  workspace: Workspace,
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<Tool> => {
  const home = await workspace.folder(command)
  return (...args) => run(command, args, { env: cleanEnvironment(home, env), cwd: home })
}
