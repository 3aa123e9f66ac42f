/**
 * A look at schemas from outside: what is a section, a list, a map or a single setting, and what is said of it. The
 * variables, the printing and the documentation walk over the list of settings with it.
 */
import type { z } from 'zod'
import { type Leaf, leafOf } from './leaf.ts'

/** Any schema. */
export type Schema = z.core.$ZodType

/** What a schema describes. */
export type Structure =
  | { readonly kind: 'section'; readonly keys: Readonly<Record<string, Schema>> }
  | { readonly kind: 'list'; readonly item: Schema }
  | { readonly kind: 'map'; readonly value: Schema }
  | { readonly kind: 'leaf'; readonly leaf: Leaf }

/** What is said of a key beside its type, by `.describe()` and `.meta()`. */
export interface KeyMeta {
  readonly description?: string
  /** Name of the key in variables, where that of distribution's Go field differs. */
  readonly env?: string
  /** The key has no effect here: what takes its place. */
  readonly instead?: string
  /** The key cannot be honoured, and ignoring it would be worse than not starting: what to do. */
  readonly refused?: string
  /** Everything below is secret. */
  readonly isSecret?: boolean
}

interface Definition {
  readonly type: string
  readonly innerType?: Schema
  readonly in?: Schema
  readonly out?: Schema
  readonly shape?: Readonly<Record<string, Schema>>
  readonly element?: Schema
  readonly valueType?: Schema
  readonly defaultValue?: unknown
}

const definitionOf = (schema: Schema): Definition => schema._zod.def as unknown as Definition

/** The schema without defaults, options and preprocessing around it: a leaf, an object, a list or a map. */
export const coreOf = (schema: Schema): Schema => {
  const { type, innerType, in: input, out } = definitionOf(schema)
  if (innerType !== undefined) return coreOf(innerType)
  // a leaf is a pipe too, but into a transform; what section, listOf and mapOf make is a pipe out of one
  const isPreprocess = type === 'pipe' && input?._zod.def.type === 'transform'
  return isPreprocess && out !== undefined ? coreOf(out) : schema
}

/** What a schema describes. */
export const structureOf = (schema: Schema): Structure => {
  const core = coreOf(schema)
  const leaf = leafOf(core)
  if (leaf !== undefined) return { kind: 'leaf', leaf }
  const { shape, element, valueType } = definitionOf(core)
  if (shape !== undefined) return { kind: 'section', keys: shape }
  if (element !== undefined) return { kind: 'list', item: element }
  if (valueType !== undefined) return { kind: 'map', value: valueType }
  throw new Error(`a schema that is neither section, list, map nor leaf: ${definitionOf(core).type}`)
}

/** What is said of a key. */
export const metaOf = (schema: Schema): KeyMeta => ((schema as z.ZodType).meta() ?? {}) as KeyMeta

/** The default of a key, parsed; `undefined` where there is none. */
export const defaultOf = (schema: Schema): unknown => {
  const definition = definitionOf(schema)
  return definition.type === 'default' ? definition.defaultValue : undefined
}

/** Whether a key must be written. */
export const isRequired = (schema: Schema): boolean =>
  !['optional', 'default', 'prefault'].includes(definitionOf(schema).type)
