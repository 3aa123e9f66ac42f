/** What zod found wrong → a mistake in one line (design §5): which key, what is wrong, what is allowed or was meant. */
import type { z } from 'zod'
import { ConfigError, formatPath, type Path } from './error.ts'
import { nearestOf } from './nearest.ts'
import { type Schema, structureOf } from './structure.ts'

/**
 * The mistake behind an issue.
 * @param fileOf the file or the variable that a key comes from
 */
export const toConfigError = (
  issue: z.core.$ZodIssue,
  schema: Schema,
  fileOf: (path: Path) => string,
): ConfigError => {
  const key = formatPath(issue.path)
  const file = fileOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0] ?? '']
    const meant = keyMeant(schema, path)
    if (meant === undefined) {
      const allowed = keysAt(schema, issue.path).join(', ')
      return new ConfigError(fileOf(path), formatPath(path), 'unknown key', allowed)
    }
    return new ConfigError(fileOf(path), formatPath(path), `unknown key, did you mean ${meant}?`)
  }
  if (issue.code === 'custom') {
    const allowed = issue.params?.allowed as string | undefined
    return new ConfigError(file, key, issue.message, allowed)
  }
  if (issue.code !== 'invalid_type') return new ConfigError(file, key, issue.message)
  if (issue.input === undefined && issue.path.length > 0) return new ConfigError(file, key, 'is missing')
  return new ConfigError(file, key, `is not a ${issue.expected === 'array' ? 'list' : 'section of keys'}`)
}

/** The known key that was meant: a near one beside it, or one of the same name elsewhere. */
const keyMeant = (schema: Schema, path: Path): string | undefined => {
  const word = String(path.at(-1))
  const near = nearestOf(word, keysAt(schema, path.slice(0, -1)))
  return near === undefined ? findKey(schema, word, []) : formatPath([...path.slice(0, -1), near])
}

/** The keys that may stand at a path. */
const keysAt = (schema: Schema, path: Path): readonly string[] => {
  const structure = structureOf(schema)
  const [key, ...rest] = path
  if (key === undefined) return structure.kind === 'section' ? Object.keys(structure.keys) : []
  if (structure.kind === 'list') return keysAt(structure.item, rest)
  if (structure.kind === 'map') return keysAt(structure.value, rest)
  const child = structure.kind === 'section' ? structure.keys[String(key)] : undefined
  return child === undefined ? [] : keysAt(child, rest)
}

/** The path of the first key of that name. */
const findKey = (schema: Schema, word: string, path: readonly string[]): string | undefined => {
  const structure = structureOf(schema)
  if (structure.kind === 'list') return findKey(structure.item, word, path)
  if (structure.kind !== 'section') return undefined
  if (Object.hasOwn(structure.keys, word)) return formatPath([...path, word])
  for (const [key, child] of Object.entries(structure.keys)) {
    const found = findKey(child, word, [...path, key])
    if (found !== undefined) return found
  }
  return undefined
}
