/**
 * The effective configuration as a file again, every default written out and every secret masked: what `entrepot
 * config` prints. Apart from the masks it means what it was made from.
 */
import { stringify } from 'yaml'
import type { Leaf } from './leaf.ts'
import { type Config, schema } from './schema.ts'
import { metaOf, type Schema, structureOf } from './structure.ts'

/** What stands for a secret. */
export const MASK = '********'

/** Names of keys in free maps (redis, options of hooks, other storage drivers) whose values are secret. */
const SECRET_NAME = /pass|secret|token|key|credential/i

/** The configuration as YAML 1.1. */
export const printConfig = (config: Config): string =>
  stringify(present(schema, config, false), { version: '1.1', lineWidth: 0 })

/** A parsed value as it stands in a file. */
const present = (schema: Schema, value: unknown, isHidden: boolean): unknown => {
  if (value === undefined) return undefined
  const isSecret = isHidden || metaOf(schema).isSecret === true
  const structure = structureOf(schema)
  if (structure.kind === 'leaf') return presentLeaf(structure.leaf, value, isSecret)
  if (structure.kind === 'list')
    return (value as unknown[]).map((item) => present(structure.item, item, isSecret))
  const childOf = (key: string) => (structure.kind === 'map' ? structure.value : structure.keys[key])
  return mapEntries(value as object, (child, key) => {
    const inner = childOf(key) as Schema
    return present(inner, child, isSecret || (isFree(inner) && SECRET_NAME.test(key)))
  })
}

/** Whether a key may hold anything, so that only its name tells whether it is a secret. */
const isFree = (schema: Schema): boolean => {
  const structure = structureOf(schema)
  return structure.kind === 'leaf' && structure.leaf.name === 'anything'
}

const mapEntries = (map: object, change: (value: unknown, key: string) => unknown): object =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]))

const presentLeaf = (leaf: Leaf, value: unknown, isHidden: boolean): unknown => {
  if (leaf.isSecret || isHidden) return MASK
  if (leaf.name === 'URL') return maskUrl(String(value))
  return leaf.name === 'anything' ? maskFree(value) : (leaf.format?.(value) ?? value)
}

/** A URL without the password in it, and else as it is written. */
const maskUrl = (url: string): string => url.replace(/^(\w+:\/\/[^/?#:@]*:)[^/?#]*@/, `$1${MASK}@`)

const maskFree = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(maskFree)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return mapEntries(value, (child, key) => (SECRET_NAME.test(key) ? MASK : maskFree(child)))
}
