/**
 * File, variables and secrets in files → a checked {@link Config}, or one mistake in one line (design §5, protocol.md
 * §8). Nothing is logged here, and the process goes on: what there is to say comes back as `warnings`.
 */
import { existsSync } from 'node:fs'
import { checkConfig } from './checks.ts'
import { applyEnvironment, type Override } from './environment.ts'
import { ConfigError, type Path } from './error.ts'
import { IMAGE_CONFIG } from './image.ts'
import { toConfigError } from './issue.ts'
import { type Config, schema } from './schema.ts'
import { modernize } from './spelling.ts'
import { readSecret, readText } from './text-file.ts'
import { isTreeMap, parseTree, TreeError, type TreeMap } from './tree.ts'

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
  /** The file to read; default: `REGISTRY_CONFIGURATION_PATH`, else the first of `defaultFiles` that exists. */
  readonly file?: string | undefined
  /** The environment: `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where to look for a file that was not named; default {@link DEFAULT_FILES}. */
  readonly defaultFiles?: readonly string[]
}

/** Where the images of distribution 3.x and 2.x have their file. */
export const DEFAULT_FILES = ['/etc/distribution/config.yml', '/etc/docker/registry/config.yml']

const BUILT_IN = 'built-in configuration'

/**
 * Reads and checks the configuration.
 * @throws ConfigError for the first mistake
 */
export const loadConfig = ({ file: named, env, defaultFiles = DEFAULT_FILES }: LoadOptions): LoadedConfig => {
  const file = named ?? (env.REGISTRY_CONFIGURATION_PATH || defaultFiles.find((each) => existsSync(each)))
  const { tree, overrides, warnings } = applyEnvironment(readTree(file), schema, env, readText)
  const fileOf = sourceOf(overrides, file ?? BUILT_IN)
  const config = parse(tree, fileOf)
  const remarks = checkConfig(config, fileOf)
  return { config: readPasswords(config, fileOf), warnings: [...warnings, ...remarks], file }
}

/** The tree of the file, or of the built-in configuration. */
const readTree = (file: string | undefined): TreeMap => {
  const name = file ?? BUILT_IN
  let problem = 'holds no keys'
  try {
    const tree = parseTree(file === undefined ? IMAGE_CONFIG : readText(file))
    if (isTreeMap(tree)) return tree
  } catch (error) {
    problem = `${error instanceof TreeError ? 'is not YAML: ' : ''}${(error as Error).message}`
  }
  throw new ConfigError(name, '', problem)
}

/** Which variable, or else which file, a key was set by. */
const sourceOf =
  (overrides: readonly Override[], file: string) =>
  (path: Path): string =>
    overrides.findLast((each) => each.path.every((part, index) => part === path[index]))?.variable ?? file

const parse = (tree: TreeMap, fileOf: (path: Path) => string): Config => {
  const parsed = schema.safeParse(modernize(tree), { reportInput: true })
  const issue = parsed.error?.issues[0]
  if (issue !== undefined) throw toConfigError(issue, schema, fileOf)
  return parsed.data as Config
}

/** The configuration with the password of a `passwordfile` in place of its path. */
const readPasswords = (config: Config, fileOf: (path: Path) => string): Config => ({
  ...config,
  upstreams: config.upstreams.map(({ passwordfile, ...upstream }, index) => {
    if (passwordfile === undefined) return upstream
    const path = ['upstreams', index, 'passwordfile']
    return { ...upstream, password: readSecret(readText, passwordfile, fileOf(path), path) }
  }),
})
