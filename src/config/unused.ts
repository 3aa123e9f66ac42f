/**
 * Keys of distribution's that entrepot cannot honour: where ignoring one would change where bytes lie, who gets in or
 * whether the wire is encrypted, the start is refused by name; the others have no effect, and a warning says what takes
 * their place (design §5).
 */
import { isDeepStrictEqual } from 'node:util'
import { ConfigError, formatPath, type Path } from './error.ts'
import { sectionOptionsOf } from './section.ts'
import { coreOf, defaultOf, metaOf, type Schema, structureOf } from './structure.ts'

/**
 * One warning for each key without effect that differs from its default.
 * @param value the parsed configuration
 * @throws ConfigError for a key that must be refused
 */
export const reviewUnused = (
  schema: Schema,
  value: unknown,
  fileOf: (path: Path) => string,
  path: Path = [],
): string[] => {
  if (value === undefined) return []
  const { instead, refused } = metaOf(schema)
  const isPresence = sectionOptionsOf(coreOf(schema)).isPresence === true
  const isWritten = isPresence || !(isDeepStrictEqual(value, defaultOf(schema)) || isSwitchedOff(value))
  if (refused !== undefined && isWritten)
    throw new ConfigError(fileOf(path), formatPath(path), `is not supported: ${refused}`)
  if (instead !== undefined) return isWritten ? [`${formatPath(path)}: has no effect: ${instead}`] : []
  const structure = structureOf(schema)
  if (structure.kind === 'list')
    return (value as unknown[]).flatMap((item, index) =>
      reviewUnused(structure.item, item, fileOf, [...path, index]),
    )
  if (structure.kind !== 'section') return []
  return Object.entries(structure.keys).flatMap(([key, child]) =>
    reviewUnused(child, (value as Record<string, unknown>)[key], fileOf, [...path, key]),
  )
}

/** Whether a value says nothing: an empty list or section, or nothing but entries with `disabled: true`. */
const isSwitchedOff = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.every((entry) => (entry as { disabled?: unknown }).disabled === true)
  return (
    typeof value === 'object' &&
    Object.values(value ?? {}).every((each) => each === undefined || isSwitchedOff(each))
  )
}
