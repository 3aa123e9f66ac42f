/** The dockerd that runs, whatever its file says: started before the file was changed, or with flags. */
import { type Finding, ok, problem, warning } from './finding.ts'
import { isMirror, type Mirror } from './mirror.ts'
import { runProgram } from './run-program.ts'

const ASK_MS = 15_000

/** Asks the running dockerd for its mirrors. */
export const checkRunningDockerd = async (mirror: Mirror): Promise<Finding> => {
  const command = ['docker', 'info', '--format', '{{json .RegistryConfig.Mirrors}}']
  const { isWell, stdout } = await runProgram(command, ASK_MS)
  const mirrors = isWell ? parseMirrors(stdout) : undefined
  if (mirrors === undefined)
    return warning('no dockerd answers here', 'docker info says why; then its mirrors can be looked at')
  if (mirrors.some((each) => isMirror(mirror, each)))
    return ok('the running dockerd uses this server as its mirror')
  return problem(
    `the running dockerd has ${mirrors.length === 0 ? 'no mirror' : `other mirrors: ${mirrors.join(', ')}`}`,
    'it reads registry-mirrors when it starts or is told to: sudo systemctl restart docker',
  )
}

const parseMirrors = (text: string): readonly string[] | undefined => {
  try {
    const value: unknown = JSON.parse(text) ?? []
    return Array.isArray(value) ? value.map(String) : undefined
  } catch {
    return undefined
  }
}
