/** Kinds of values that come in and go out: each with what is told of it in the OpenAPI document. */
import { z } from 'zod'

/** A number of bytes. */
export const bytes = z.int().min(0).meta({ description: 'Bytes' })

/** How many there are. */
export const count = z.int().min(0)

/** A part, or a percentage divided by a hundred. */
export const ratio = z.number().min(0).max(1)

/** A time that is told: ISO 8601 in UTC. */
export const time = z.iso.datetime()
