/** Kinds of values that come in and go out: each with what is told of it in the OpenAPI document. */
import { z } from 'zod'
import { parseDuration } from '../../duration.ts'

/** Longest text of any kind, in characters. */
const MAX_TEXT = 1024

/** A duration with its unit → milliseconds. */
export const duration = z
  .string()
  .max(MAX_TEXT)
  .transform((text, context): number => {
    const ms = parseDuration(text)
    if (ms !== undefined) return ms
    context.addIssue({ code: 'custom', message: 'is no duration with its unit, such as 10m, 1h30m or 7d' })
    return z.NEVER
  })
  .meta({ description: 'A duration with its unit: s, m, h, d', examples: ['10m'] })

/** Any text that is not too long. */
export const text = z.string().min(1).max(MAX_TEXT)

/** A number of bytes. */
export const bytes = z.int().min(0).meta({ description: 'Bytes' })

/** How many there are. */
export const count = z.int().min(0)

/** A part, or a percentage divided by a hundred. */
export const ratio = z.number().min(0).max(1)

/** A time that is told: ISO 8601 in UTC. */
export const time = z.iso.datetime()
