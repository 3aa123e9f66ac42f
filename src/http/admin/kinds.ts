/** Kinds of values that come in and go out: each with what is told of it in the OpenAPI document. */
import { z } from 'zod'
import { parseDuration } from '../../duration.ts'
import { type Digest, parseDigest } from '../../protocol/digest.ts'
import { type ErrorCode, RegistryError } from '../../protocol/error.ts'
import { parseReference, parseRepositoryName, parseTag, type Reference } from '../../protocol/name.ts'

/** Longest text of any kind, in characters. */
const MAX_TEXT = 1024

const refuse = (context: z.core.$RefinementCtx<string>, message: string, code?: ErrorCode): never => {
  context.addIssue({ code: 'custom', message, params: { code } })
  return z.NEVER
}

/** A text that a parser of `protocol` reads, with the parser's own error code. */
const parsed = <T>(parse: (text: string) => T, description: string, example: string) =>
  z
    .string()
    .max(MAX_TEXT)
    .transform((text, context): T => {
      try {
        return parse(text)
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error
        return refuse(context, error.message, error.code)
      }
    })
    .meta({ description, examples: [example] })

/** Name of a repository, as it is stored. */
export const repositoryName = parsed(
  parseRepositoryName,
  'Name of a repository, as it is stored',
  'library/alpine',
)

/** A tag. */
export const tag = parsed(parseTag, 'A tag', '3.21')

/** A digest. */
export const digest: z.ZodType<Digest, string> = parsed(
  parseDigest,
  'A digest',
  `sha256:${'0123456789abcdef'.repeat(4)}`,
)

/** A tag or a digest. */
export const reference = parsed(
  (text): Reference => parseReference(text) ?? { kind: 'tag', tag: parseTag(text) },
  'A tag or a digest',
  '3.21',
)

/** A duration with its unit → milliseconds. */
export const duration = z
  .string()
  .max(MAX_TEXT)
  .transform((text, context): number => {
    const ms = parseDuration(text)
    return ms ?? refuse(context, 'is no duration with its unit, such as 10m, 1h30m or 7d')
  })
  .meta({ description: 'A duration with its unit: s, m, h, d', examples: ['10m'] })

/** Any text that is not too long. */
export const text = z.string().min(1).max(MAX_TEXT)

/** A glob of repository names: `*` within a component, `**` over several. */
export const glob = text.meta({ description: 'A glob of repository names', examples: ['library/*'] })

/** A number of bytes. */
export const bytes = z.int().min(0).meta({ description: 'Bytes' })

/** How many there are. */
export const count = z.int().min(0)

/** A part, or a percentage divided by a hundred. */
export const ratio = z.number().min(0).max(1)

/** A time that is told: ISO 8601 in UTC. */
export const time = z.iso.datetime()
