/**
 * YAML text → a tree of plain objects, lists and scalars, before anything is known of keys and types. YAML 1.1, as
 * distribution's parser has it: `yes` and `on` are booleans, the last of two equal keys wins, `<<` merges.
 *
 * A scalar that YAML takes for something other than text keeps its spelling beside its value ({@link Scalar}): whether
 * `0123` is a number or a password is for the key to say.
 */
import { isScalar, type ParsedNode, parseDocument, visit } from 'yaml'

/** A scalar that is not text: `yes`, `5000`, `2026-01-02`. */
export class Scalar {
  /** As YAML 1.1 reads it: boolean, number, Date. */
  readonly value: unknown
  /** As it is written. */
  readonly text: string

  constructor(value: unknown, text: string) {
    this.value = value
    this.text = text
  }
}

/** A node of the tree. `null` is a key without a value. */
export type Tree = null | string | Scalar | readonly Tree[] | TreeMap

/** A mapping; its keys are texts as written. */
export interface TreeMap {
  readonly [key: string]: Tree
}

/** Whether a node is a mapping. */
export const isTreeMap = (node: unknown): node is TreeMap =>
  typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof Scalar)

/** The text is not YAML. */
export class TreeError extends Error {
  override readonly name = 'TreeError'
}

const OPTIONS = { version: '1.1', uniqueKeys: false, merge: true } as const

/**
 * Reads one YAML document.
 * @throws TreeError in one line, with line and column
 */
export const parseTree = (text: string): Tree => {
  const document = parseDocument<ParsedNode>(text, OPTIONS)
  const error = document.errors[0]
  if (error !== undefined) throw new TreeError(firstLine(error.message))
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key') {
        // `on` and `5` as keys are names; the merge key is a symbol and stays one
        if (typeof node.value !== 'symbol') node.value = node.source ?? node.value
      } else if (node.value !== null && typeof node.value !== 'string') {
        node.value = new Scalar(node.value, node.source ?? String(node.value))
      }
    },
  })
  try {
    return (document.toJS() ?? null) as Tree
  } catch (cause) {
    throw new TreeError(firstLine(cause instanceof Error ? cause.message : String(cause)), { cause })
  }
}

const firstLine = (message: string): string => (message.split('\n')[0] ?? '').replace(/:$/, '')

/**
 * The text that an environment variable gives to a key that holds text: the value as it is, so that a password may hold
 * `#`, `*` and `: `; quotes around the whole are YAML's, and an empty value is none.
 */
export const parseText = (text: string): string | null => {
  if (text.trim() === '') return null
  const { contents, errors } = parseDocument(text, OPTIONS)
  if (errors.length > 0 || !isScalar(contents)) return text
  if (contents.value === null) return null
  return contents.type === 'QUOTE_DOUBLE' || contents.type === 'QUOTE_SINGLE' ? String(contents.value) : text
}

/** A tree as ordinary values: what YAML takes it for. */
export const toValue = (node: Tree): unknown => {
  if (node instanceof Scalar) return node.value
  if (Array.isArray(node)) return node.map(toValue)
  if (!isTreeMap(node)) return node
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, toValue(child)]))
}
