/**
 * File, variables and secrets in files → a checked {@link Config}, or one mistake in one line (design §5, protocol.md
 * §8). Nothing is logged here, and the process goes on: what to say comes back as `warnings`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { checkAccess, checkAccounts } from './checks/access.ts'
import type { Check } from './checks/check.ts'
import { checkAuth, checkListeners, checkStorage, checkTls, checkVersion } from './checks/server.ts'
import { checkProxy, checkUpstreamNames, checkUpstreamSettings } from './checks/upstreams.ts'
import { applyEnvironment, type Override } from './environment.ts'
import { ConfigError, formatPath } from './error.ts'
import { IMAGE_CONFIG } from './image.ts'
import { toConfigError } from './issue.ts'
import { type Config, schema } from './schema.ts'
import { modernize } from './spelling.ts'
import { isTreeMap, parseTree, TreeError, type TreeMap } from './tree.ts'
import { reviewUnused } from './unused.ts'

/** A configuration to run with. */
export interface LoadedConfig {
  readonly config: Config
  /** Each one line: keys without effect, variables that are no setting. */
  readonly warnings: readonly string[]
  /** The file it comes from; `undefined`: built-in defaults. */
  readonly file: string | undefined
}

/** Where a configuration comes from. */
export interface LoadOptions {
  /** The file to read; default: `REGISTRY_CONFIGURATION_PATH`, else the first of the image's two paths that exists. */
  readonly file?: string | undefined
  /** The environment: `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where to look for a file that was not named; default {@link DEFAULT_FILES}. */
  readonly defaultFiles?: readonly string[]
}

/** Where images of distribution 3.x and 2.x have their file. */
export const DEFAULT_FILES = ['/etc/distribution/config.yml', '/etc/docker/registry/config.yml']

const BUILT_IN = 'built-in configuration'

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
  checkAccounts,
]

/**
 * Reads and checks the configuration.
 * @throws ConfigError for the first mistake
 */
export const loadConfig = ({ file: named, env, defaultFiles = DEFAULT_FILES }: LoadOptions): LoadedConfig => {
  const file = named ?? (env.REGISTRY_CONFIGURATION_PATH || defaultFiles.find((each) => existsSync(each)))
  const written =
    file === undefined ? readTree(IMAGE_CONFIG, BUILT_IN) : readTree(readText(file, file, ''), file)
  const { tree, overrides, warnings } = applyEnvironment(written, schema, env, (path) =>
    readFileSync(path, 'utf8'),
  )
  const fileOf = sourceOf(overrides, file ?? BUILT_IN)
  const parsed = schema.safeParse(modernize(tree as TreeMap), { reportInput: true })
  const issue = parsed.error?.issues[0]
  if (issue !== undefined) throw toConfigError(issue, schema, fileOf)
  const config = parsed.data as Config
  const said: string[] = []
  const report = {
    fail: (path: readonly (string | number)[], problem: string, allowed?: string): never => {
      throw new ConfigError(fileOf(path), formatPath(path), problem, allowed)
    },
    warn: (path: readonly (string | number)[], text: string) => said.push(`${formatPath(path)}: ${text}`),
  }
  for (const check of CHECKS) check(config, report)
  const unused = reviewUnused(schema, config, fileOf)
  return { config: readPasswords(config, fileOf), warnings: [...warnings, ...unused, ...said], file }
}

const readText = (path: string, file: string, key: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new ConfigError(file, key, `${key === '' ? '' : `${path} `}cannot be read (${code})`)
  }
}

const readTree = (text: string, file: string): TreeMap => {
  try {
    const tree = parseTree(text)
    if (isTreeMap(tree)) return tree
  } catch (error) {
    if (!(error instanceof TreeError)) throw error
    throw new ConfigError(file, '', `is not YAML: ${error.message}`)
  }
  throw new ConfigError(file, '', 'holds no keys', 'version: 0.1 and sections')
}

/** Which variable, or else which file, a key was set by. */
const sourceOf =
  (overrides: readonly Override[], file: string) =>
  (path: readonly PropertyKey[]): string =>
    overrides.findLast((each) => each.path.every((part, index) => part === path[index]))?.variable ?? file

/** The configuration with `passwordfile` replaced by the password in it. */
const readPasswords = (config: Config, fileOf: (path: readonly PropertyKey[]) => string): Config => ({
  ...config,
  upstreams: config.upstreams.map(({ passwordfile, ...upstream }, index) => {
    if (passwordfile === undefined) return upstream
    const path = ['upstreams', index, 'passwordfile']
    if (upstream.password !== undefined)
      throw new ConfigError(fileOf(path), formatPath(path), 'is set beside password', 'one of the two')
    const password = readText(passwordfile, fileOf(path), formatPath(path)).replace(/\r?\n$/, '')
    return { ...upstream, password }
  }),
})
