/** Every check of settings that have a meaning only together, in the order in which mistakes are told. */
import { checkAccess, checkAccessFits, checkAccounts, checkGroups, checkWarm } from './checks/access.ts'
import type { Check } from './checks/check.ts'
import { checkAuth, checkListeners, checkStorage, checkTls, checkVersion } from './checks/server.ts'
import { checkProxy, checkUpstreamNames, checkUpstreamSettings } from './checks/upstreams.ts'
import { ConfigError, formatPath, type Path } from './error.ts'
import { type Config, schema } from './schema.ts'
import { reviewUnused } from './unused.ts'

const CHECKS: readonly Check[] = [
  checkVersion,
  checkStorage,
  checkAuth,
  checkTls,
  checkListeners,
  checkProxy,
  checkUpstreamNames,
  checkUpstreamSettings,
  checkAccess,
  checkAccessFits,
  checkGroups,
  checkWarm,
  checkAccounts,
]

/**
 * Checks a parsed configuration.
 * @param fileOf the file or the variable that a key comes from
 * @returns warnings, each one line that begins with its key
 * @throws ConfigError for the first mistake
 */
export const checkConfig = (config: Config, fileOf: (path: Path) => string): string[] => {
  const warnings: string[] = []
  const report = {
    fail: (path: Path, problem: string, allowed?: string): never => {
      throw new ConfigError(fileOf(path), formatPath(path), problem, allowed)
    },
    warn: (path: Path, text: string) => warnings.push(`${formatPath(path)}: ${text}`),
  }
  for (const check of CHECKS) check(config, report)
  return [...reviewUnused(schema, config, fileOf), ...warnings]
}
