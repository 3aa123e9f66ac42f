/** How far a scrub has come and what it found, kept in the store so that it goes on after a restart. */
import { type Digest, isDigest } from '../protocol/digest.ts'
import type { StorageDriver } from '../store/driver.ts'
import { SCRUB_KEY } from '../store/paths.ts'

/** What a scrub has counted. */
export interface ScrubCounts {
  /** Blobs and manifests that were read, and their bytes. */
  readonly blobs: number
  readonly bytes: number
  /** How many were rotten: some repository can have them again, or cannot. */
  readonly rottenMirrored: number
  readonly rottenLocal: number
  /** How many of them were replaced at once. */
  readonly repaired: number
  /** How many are wrong and were left where they are, or could not be looked at: the next scrub comes to them. */
  readonly left: number
}

/** What a whole scrub found. Times are milliseconds since the epoch. */
export interface ScrubReport extends ScrubCounts {
  readonly startedAtMs: number
  readonly endedAtMs: number
}

/** A scrub that has not come to its end. */
export interface ScrubPass extends ScrubCounts {
  readonly startedAtMs: number
  /** The last blob that was looked at. */
  readonly position: Digest | undefined
}

/** What is kept. */
export interface ScrubState {
  readonly pass: ScrubPass | undefined
  readonly last: ScrubReport | undefined
}

/** Nothing counted yet. */
export const NO_COUNTS: ScrubCounts = {
  blobs: 0,
  bytes: 0,
  rottenMirrored: 0,
  rottenLocal: 0,
  repaired: 0,
  left: 0,
}

const isNumbers = (value: object, keys: readonly string[]): boolean =>
  keys.every((key) => Number.isSafeInteger((value as Record<string, unknown>)[key]))

const COUNT_KEYS = Object.keys(NO_COUNTS)

const parsePass = (value: unknown): ScrubPass | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  if (!isNumbers(value, [...COUNT_KEYS, 'startedAtMs'])) return undefined
  const { position } = value as { position?: unknown }
  const isSound = position === undefined || (typeof position === 'string' && isDigest(position))
  return isSound ? (value as ScrubPass) : undefined
}

const parseReport = (value: unknown): ScrubReport | undefined =>
  typeof value === 'object' && value !== null && isNumbers(value, [...COUNT_KEYS, 'startedAtMs', 'endedAtMs'])
    ? (value as ScrubReport)
    : undefined

/** What is kept; what cannot be understood counts for nothing. @throws StorageError */
export const readScrubState = async (driver: StorageDriver): Promise<ScrubState> => {
  const bytes = await driver.read(SCRUB_KEY)
  try {
    const { pass, last } = JSON.parse(bytes?.toString() ?? '{}') as Record<string, unknown>
    return { pass: parsePass(pass), last: parseReport(last) }
  } catch {
    return { pass: undefined, last: undefined }
  }
}

/** Keeps it; a power cut may lose it. @throws StorageError */
export const writeScrubState = (driver: StorageDriver, state: ScrubState): Promise<void> =>
  driver.writeLazily(SCRUB_KEY, JSON.stringify(state))
