/**
 * `REGISTRY_*` variables over the tree of the file, by distribution's rules (protocol.md §8.2): the name is the path of
 * the key in upper case, joined by `_`; the value is YAML; whole sections, list entries and free maps can be given. What
 * no key answers to is tried once more without `_FILE` at its end, as a secret in a file.
 */
import { ConfigError, formatPath, type Path } from './error.ts'
import { descend, type Step, UnknownName } from './override.ts'
import type { Schema } from './structure.ts'
import { type ReadText, readSecret } from './text-file.ts'
import { parseText, parseTree, type Tree, TreeError, type TreeMap } from './tree.ts'

const PREFIX = 'REGISTRY_'
const FILE_SUFFIX = 'FILE'

/** Variables that mean something, but set no key. */
const NO_KEYS = new Set(['REGISTRY_CONFIGURATION_PATH'])

/** Keys that no variable sets. */
const FIXED_KEYS = new Set(['VERSION'])

/** A key that a variable has set. */
export interface Override {
  readonly variable: string
  readonly path: Path
}

/** The tree after the variables. */
export interface Overridden {
  readonly tree: TreeMap
  /** In the order in which they were applied: of two for one key the later counts. */
  readonly overrides: readonly Override[]
  /** One line for each variable that sets nothing. */
  readonly warnings: readonly string[]
}

/**
 * Applies every variable of `env`, shorter names first.
 * @throws ConfigError for a value that is not YAML, a wrong index, a file that cannot be read
 */
export const applyEnvironment = (
  tree: TreeMap,
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
  read: ReadText,
): Overridden => {
  const overrides: Override[] = []
  const warnings: string[] = []
  let current: Tree = tree
  const variables = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !NO_KEYS.has(name))
  for (const variable of variables.sort()) {
    const put = (names: readonly string[], give: Step['give']) => {
      let path: Path = []
      const giveAndNote: Step['give'] = (structure, at) => {
        path = at
        return give(structure, at)
      }
      current = descend(schema, current, { variable, path: [], names, give: giveAndNote })
      overrides.push({ variable, path })
    }
    try {
      putVariable(put, variable, env[variable] ?? '', read)
    } catch (error) {
      if (!(error instanceof UnknownName)) throw error
      const hint = error.instead === undefined ? '' : `; did you mean ${error.instead}?`
      warnings.push(`${variable}: ignored, there is no such setting${hint}`)
    }
  }
  return { tree: current as TreeMap, overrides, warnings }
}

type Put = (names: readonly string[], give: Step['give']) => void

const putVariable = (put: Put, variable: string, value: string, read: ReadText): void => {
  const names = variable.slice(PREFIX.length).split('_')
  if (FIXED_KEYS.has(names[0] ?? '')) throw new UnknownName()
  try {
    put(names, giveValue(variable, value))
  } catch (error) {
    if (!(error instanceof UnknownName) || names.at(-1) !== FILE_SUFFIX) throw error
    put(names.slice(0, -1), giveFile(variable, value, read))
  }
}

const giveValue =
  (variable: string, value: string): Step['give'] =>
  (structure, path) => {
    if (structure.kind === 'leaf' && structure.leaf.isText) return parseText(value)
    try {
      return parseTree(value)
    } catch (error) {
      if (!(error instanceof TreeError)) throw error
      throw new ConfigError(variable, formatPath(path), `is not YAML: ${error.message}`)
    }
  }

const giveFile =
  (variable: string, file: string, read: ReadText): Step['give'] =>
  (structure, path) => {
    if (structure.kind !== 'leaf' || !structure.leaf.isText) throw new UnknownName()
    return readSecret(read, file, variable, path)
  }
