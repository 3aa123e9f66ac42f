/** The reference of all settings as Markdown, made from the schema: docs/configuration.md, and `entrepot config --reference`. */
import { formatPath } from './error.ts'
import type { Leaf } from './leaf.ts'
import { schema } from './schema.ts'
import { defaultOf, isRequired, metaOf, type Schema, structureOf } from './structure.ts'

const INTRODUCTION = `# Configuration

The file of distribution (\`version: 0.1\`, 2.x and 3.x), with sections of entrepot's own. It is the argument of
\`entrepot serve\`, else \`REGISTRY_CONFIGURATION_PATH\`, else \`/etc/distribution/config.yml\` or
\`/etc/docker/registry/config.yml\`; with none of them the configuration of the \`registry\` image holds. \`entrepot config\`
prints what is in effect, with secrets masked.

- **Variables.** \`REGISTRY_\` and the path of a key in upper case, joined by \`_\`, sets it over the file:
  \`REGISTRY_PROXY_REMOTEURL\`. The value is YAML; a whole section, a list, or an entry of a list by its index can be given.
- **Secrets.** \`…_FILE\` after such a name gives a file that holds the value: \`REGISTRY_PROXY_PASSWORD_FILE\`.
- **Durations** are \`300ms\`, \`10s\`, \`1h30m\`. In keys of distribution a bare number is nanoseconds; in entrepot's own a
  unit is needed, and days (\`7d\`) are allowed.
- **Sizes** are bytes, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024).
- **Globs** of repositories: \`*\` stands for one component, \`**\` for any number: \`library/*\`, \`team/**\`.
- An unknown key is a mistake; one that begins with \`x-\` is ignored (a place for YAML anchors).
- "No effect": taken with a warning that says what takes its place. "Refused": the start fails, since ignoring the key
  would change where bytes lie, who gets in, or whether the wire is encrypted.

Sections of entrepot's own: \`upstreams\`, \`cache\`, \`local\`, \`access\`, \`admin\`, \`warm\`, \`trustedproxies\`, \`limits\`.
`

/** The reference: an introduction, then a table for each section of the file. */
export const printReference = (): string => {
  const root = structureOf(schema)
  if (root.kind !== 'section') throw new Error('the schema is no section')
  const tables = Object.entries(root.keys).map(([key, child]) => tableOf(key, child))
  return [INTRODUCTION, ...tables].join('\n')
}

const tableOf = (key: string, schema: Schema): string => {
  const rows = rowsOf(schema, [key])
  const description = rows.length === 1 ? '' : `\n${metaOf(schema).description ?? ''}\n`
  return `## ${key}
${description}
| key | type | default | meaning |
|---|---|---|---|
${rows.join('\n')}
`
}

/** The rows of a key and of all below it; what has no effect or is refused has one for the whole. */
const rowsOf = (schema: Schema, path: readonly string[]): string[] => {
  const structure = structureOf(schema)
  const { instead, refused } = metaOf(schema)
  if (structure.kind === 'leaf') return [rowOf(schema, path, structure.leaf.name, structure.leaf)]
  if (instead !== undefined || refused !== undefined) return [rowOf(schema, path, structure.kind)]
  if (structure.kind === 'section' && Object.keys(structure.keys).length > 0)
    return Object.entries(structure.keys).flatMap(([key, child]) => rowsOf(child, [...path, key]))
  if (structure.kind === 'section') return [rowOf(schema, path, structure.kind)]
  const inner = structure.kind === 'list' ? structure.item : structure.value
  const leaf = leafBelow(inner)
  if (leaf !== undefined) return [rowOf(schema, path, `${structure.kind} of ${leaf.name}`, leaf)]
  const own =
    metaOf(schema).description === undefined || path.length === 1 ? [] : [rowOf(schema, path, structure.kind)]
  const last = `${path.at(-1)}${structure.kind === 'list' ? '[]' : '.*'}`
  return [...own, ...rowsOf(inner, [...path.slice(0, -1), last])]
}

/** The leaf that a list or a map of lists ends in; `undefined` where sections are below. */
const leafBelow = (schema: Schema): Leaf | undefined => {
  const structure = structureOf(schema)
  if (structure.kind === 'leaf') return structure.leaf
  return structure.kind === 'list' ? leafBelow(structure.item) : undefined
}

const rowOf = (schema: Schema, path: readonly string[], type: string, leaf?: Leaf): string => {
  const { description = '', env, instead, refused } = metaOf(schema)
  const meaning = [
    description,
    env === undefined ? '' : `In variables: \`${env}\`.`,
    instead === undefined ? '' : `No effect: ${instead}.`,
    refused === undefined ? '' : `Refused: ${refused}.`,
  ]
  const cells = [
    `\`${formatPath(path)}\``,
    type,
    defaultText(schema, leaf),
    meaning.filter(Boolean).join(' '),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const defaultText = (schema: Schema, leaf: Leaf | undefined): string => {
  const value = defaultOf(schema)
  if (value === undefined) return isRequired(schema) ? 'required' : ''
  if (typeof value !== 'object') return `\`${leaf?.format?.(value) ?? value}\``
  return Object.keys(value ?? {}).length === 0 ? '' : `\`${[value].flat().join(', ')}\``
}
