/**
 * One value put into the tree at the path that a variable's name spells, by distribution's rules for sections, lists and
 * maps (protocol.md §8.2). Nothing is changed in place; parents that are missing are made.
 */
import { ConfigError, formatPath, type Path } from './error.ts'
import { nearestOf } from './nearest.ts'
import { expandSection, sectionOptionsOf } from './section.ts'
import { coreOf, metaOf, type Schema, type Structure, structureOf } from './structure.ts'
import { isTreeMap, type Tree, type TreeMap } from './tree.ts'

/** Nothing answers to a name; `instead` is the variable that would. */
export class UnknownName extends Error {
  override readonly name = 'UnknownName'
  readonly instead: string | undefined

  constructor(instead?: string) {
    super('no setting has this name')
    this.instead = instead
  }
}

/** A value on its way to its key. */
export interface Step {
  /** The variable it comes from. */
  readonly variable: string
  /** Where in the tree it is. */
  readonly path: Path
  /** Where it has to go on to. */
  readonly names: readonly string[]
  /** The value for the key at the end, by what the key holds. */
  readonly give: (structure: Structure, path: Path) => Tree
}

/**
 * `node` with the value at the end of `step.names`.
 * @throws UnknownName where no key answers to a name
 * @throws ConfigError for an index that the list does not have
 */
export const descend = (schema: Schema, node: Tree | undefined, step: Step): Tree => {
  const structure = structureOf(schema)
  const [name, ...names] = step.names
  if (name === undefined) return step.give(structure, step.path)
  if (structure.kind === 'section') {
    const full = expandSection(node, sectionOptionsOf(coreOf(schema)))
    return intoSection(structure.keys, full, name, { ...step, names })
  }
  if (structure.kind === 'map') return intoMap(structure.value, node, name, { ...step, names })
  if (structure.kind === 'list') return intoList(structure.item, node, name, { ...step, names })
  if (structure.leaf.name === 'anything') return intoMap(schema, node, name, { ...step, names })
  throw new UnknownName()
}

const intoSection = (
  keys: Readonly<Record<string, Schema>>,
  node: unknown,
  name: string,
  step: Step,
): TreeMap => {
  const map = isTreeMap(node) ? node : {}
  const key = Object.keys(keys).find((each) => {
    const env = metaOf(keys[each] as Schema).env
    return each.toUpperCase() === name || env === name
  })
  if (key === undefined) throw new UnknownName(suggest(keys, name, step))
  return { ...map, [key]: descend(keys[key] as Schema, map[key], { ...step, path: [...step.path, key] }) }
}

/** The variable that was meant by one whose `name` is no key of a section. */
const suggest = (keys: Readonly<Record<string, Schema>>, name: string, step: Step): string | undefined => {
  const key = nearestOf(name, Object.keys(keys))
  if (key === undefined) return undefined
  return ['registry', ...step.path, key, ...step.names].join('_').toUpperCase()
}

const intoMap = (value: Schema, node: Tree | undefined, name: string, step: Step): TreeMap => {
  const map = isTreeMap(node) ? node : {}
  const key = Object.keys(map).find((each) => each.toUpperCase() === name.toUpperCase()) ?? name.toLowerCase()
  return { ...map, [key]: descend(value, map[key], { ...step, path: [...step.path, key] }) }
}

const intoList = (item: Schema, node: Tree | undefined, name: string, step: Step): readonly Tree[] => {
  const list = Array.isArray(node)
    ? (node as readonly Tree[])
    : node === null || node === undefined
      ? []
      : [node]
  const index = /^\d+$/.test(name) ? Number(name) : -1
  if (index < 0 || index > list.length) {
    const allowed = `an index from 0 to ${list.length}`
    throw new ConfigError(step.variable, formatPath(step.path), `has no entry ${name}`, allowed)
  }
  const entry = descend(item, list[index], { ...step, path: [...step.path, index] })
  return [...list.slice(0, index), entry, ...list.slice(index + 1)]
}
