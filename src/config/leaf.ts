/**
 * How a single setting is made: a zod schema that reads a scalar of the tree, says in one line what is wrong with it,
 * and remembers how its value is written back and what its kind is called in the documentation.
 */
import { z } from 'zod'
import { Scalar, type Tree } from './tree.ts'

/** A kind of setting: a duration, a size, a flag. */
export interface Leaf<T = unknown> {
  /** What the documentation calls it: `duration`. */
  readonly name: string
  /** What is allowed, for messages. */
  readonly form: string
  /** The value of a node, or `undefined` where the node has none of this kind. */
  read(node: Tree): T | undefined
  /** The value as YAML that {@link Leaf.read} takes for the same; default: as it is. */
  format?(value: T): unknown
  /** Whether the value must not be shown. */
  readonly isSecret?: boolean
  /** Whether any text may be the value, so that a variable gives it as it is and not as YAML. */
  readonly isText?: boolean
}

/** The schema of a leaf. */
export type LeafSchema<T> = z.ZodPipe<z.ZodUnknown, z.ZodTransform<T, unknown>>

// by the transform inside: `.describe()` copies what is around it
const leafByTransform = new WeakMap<object, Leaf>()

/** The leaf behind a schema that {@link leaf} made; `undefined` for sections, lists and maps. */
export const leafOf = (schema: z.core.$ZodType): Leaf | undefined => {
  const { out } = schema._zod.def as { out?: object }
  return out === undefined ? undefined : leafByTransform.get(out)
}

/** Makes the schema of a kind of setting. */
export const leaf = <T>(kind: Leaf<T>): LeafSchema<T> => {
  const schema = z.unknown().transform((node, context): T => {
    const value = node === undefined ? undefined : kind.read(node as Tree)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: problemOf(kind, node), params: { allowed: kind.form } })
    return z.NEVER
  })
  leafByTransform.set(schema.out, kind)
  return schema
}

/** Longest value that a message repeats, in characters. */
const MAX_SHOWN = 60

const problemOf = (kind: Leaf, node: unknown): string => {
  if (node === undefined) return 'is missing'
  const text = textOf(node as Tree)
  if (text === undefined) return `is a ${Array.isArray(node) ? 'list' : 'section'}, not a single value`
  return `${kind.isSecret ? 'its value' : JSON.stringify(text.slice(0, MAX_SHOWN))} is not allowed`
}

/** The spelling of a scalar; `undefined` for what is no scalar. */
export const textOf = (node: Tree): string | undefined => {
  if (node instanceof Scalar) return node.text
  return typeof node === 'string' ? node : undefined
}

/** Makes a kind of setting whose text alone decides. */
export const textLeaf = <T>(
  name: string,
  form: string,
  parse: (text: string) => T | undefined,
  rest: Partial<Pick<Leaf<T>, 'format' | 'isSecret'>> = {},
): LeafSchema<T> =>
  leaf({
    name,
    form,
    read: (node) => {
      const text = textOf(node)
      return text === undefined ? undefined : parse(text)
    },
    isText: true,
    ...rest,
  })
