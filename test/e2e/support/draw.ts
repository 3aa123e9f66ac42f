/** Chance that is the same on every run. */
import { createHash } from 'node:crypto'

/** A "random" whole number from `low` up to, not including, `high`: another one for another `seed`. */
export const draw = (seed: string, low: number, high: number): number =>
  low + (createHash('sha256').update(seed).digest().readUInt32BE() % (high - low))
