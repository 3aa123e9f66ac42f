import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { printReference } from '../../src/config/reference.ts'
import { schema } from '../../src/config/schema.ts'
import { metaOf, type Schema, structureOf } from '../../src/config/structure.ts'
import { ROOT } from '../support/project.ts'

test('docs/configuration.md is what the schema says: `npm run docs` writes it', () => {
  const written = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')
  assert.equal(written, printReference())
})

/** Keys without a sentence, below anything that is honoured. */
const undocumented = (schema: Schema, path: string): string[] => {
  const { description, instead, refused } = metaOf(schema)
  const own = description === undefined ? [path] : []
  if (instead !== undefined || refused !== undefined) return own
  const structure = structureOf(schema)
  if (structure.kind === 'section')
    return [
      ...own,
      ...Object.entries(structure.keys).flatMap(([key, child]) => undocumented(child, `${path}.${key}`)),
    ]
  const inner = structure.kind === 'list' ? structureOf(structure.item) : undefined
  if (inner?.kind !== 'section') return own
  return [
    ...own,
    ...Object.entries(inner.keys).flatMap(([key, child]) => undocumented(child, `${path}[].${key}`)),
  ]
}

test('every key has a sentence', () => {
  const root = structureOf(schema)
  assert.ok(root.kind === 'section')
  assert.deepEqual(
    Object.entries(root.keys).flatMap(([key, child]) => undocumented(child, key)),
    [],
  )
})

test('no key holds what variables join names with', () => {
  assert.doesNotMatch(printReference().replaceAll(/`[^`.]*_[^`]*`|REGISTRY_\w+/g, ''), /^\| `[^`]*_/m)
})
