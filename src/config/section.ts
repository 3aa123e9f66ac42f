/**
 * How settings are put together: sections of known keys, lists, and maps of free keys. What these do besides zod's own
 * objects: a key without a value (`addr:`, or an empty variable) counts as not written, as Go's zero value does in
 * distribution, and keys that begin with `x-` are left out (a place for YAML anchors).
 */
import { z } from 'zod'
import { coreOf } from './structure.ts'
import { isTreeMap, Scalar } from './tree.ts'

/** What a section or a map may look like in a file besides a mapping of its keys. */
export interface SectionOptions {
  /** A bare word stands for a mapping of that one key: `storage: inmemory`, `auth: none`. */
  readonly isChoice?: boolean
  /** Being there without a value means something: `htpasswd:` is not "no htpasswd". */
  readonly isPresence?: boolean
  /** Turns a shorter spelling into the mapping. */
  readonly expand?: (node: unknown) => unknown
}

const optionsBySchema = new WeakMap<object, SectionOptions>()

/** The options of the schema inside what {@link section} or {@link mapOf} made. */
export const sectionOptionsOf = (core: object): SectionOptions => optionsBySchema.get(core) ?? {}

/** Spells a shorthand out: `s3` → `{s3: null}` in a choice. */
export const expandSection = (node: unknown, { isChoice, expand }: SectionOptions): unknown => {
  const full = expand === undefined ? node : expand(node)
  return isChoice && typeof full === 'string' && full !== '' ? { [full]: null } : full
}

/** A section: known keys, an unknown one is a mistake. */
export const section = <S extends z.core.$ZodLooseShape>(shape: S, options: SectionOptions = {}) => {
  const object = z.strictObject(shape)
  optionsBySchema.set(object, options)
  return z.preprocess((node) => {
    const full = expandSection(node, options)
    if (!isTreeMap(full)) return full instanceof Scalar ? full.text : full
    return Object.fromEntries(Object.entries(full).flatMap(([key, value]) => keep(key, value, shape)))
  }, object)
}

const keep = (key: string, value: unknown, shape: z.core.$ZodLooseShape): [string, unknown][] => {
  if (key.startsWith('x-')) return []
  if (value !== null && value !== '') return [[key, value]]
  const child = Object.hasOwn(shape, key) ? (shape[key] as z.core.$ZodType) : undefined
  if (child === undefined) return [[key, value]]
  return sectionOptionsOf(coreOf(child)).isPresence ? [[key, {}]] : []
}

/**
 * A list; a bare scalar is a list of one.
 * @param expand turns a shorter spelling into the list
 */
export const listOf = <T extends z.ZodType>(item: T, expand: (node: unknown) => unknown = (node) => node) =>
  z.preprocess((node) => {
    const full = expand(node)
    return typeof full === 'string' || full instanceof Scalar ? [full] : full
  }, z.array(item))

/** A map whose keys are free: headers, groups. */
export const mapOf = <T extends z.ZodType>(value: T, options: SectionOptions = {}) => {
  const record = z.record(z.string(), value)
  optionsBySchema.set(record, options)
  return z.preprocess((node) => {
    if (!isTreeMap(node)) return node instanceof Scalar ? node.text : node
    return Object.fromEntries(Object.entries(node).filter(([, child]) => child !== null))
  }, record)
}
