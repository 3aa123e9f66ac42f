/** The ratios of the short form, kept beside the benchmark: a change that loses more than a third of one is noticed. */
import { readFile, writeFile } from 'node:fs/promises'
import type { ContestantName } from '../servers/server.ts'
import type { RunResult } from './result.ts'

const FILE = new URL('../expected.json', import.meta.url)

/** A ratio may fall to this share of the stored one; where less is better, grow to its inverse. */
const TOLERATED = 2 / 3

/** Case → metric → contestant → ratio. */
type Ratios = Record<string, Record<string, Partial<Record<ContestantName, number>>>>

const rounded = (value: number): number => Number(value.toPrecision(3))

const ratiosOf = (run: RunResult): Ratios =>
  Object.fromEntries(
    run.cases.map(({ name, metrics }) => [
      name,
      Object.fromEntries(
        metrics.map((metric) => [
          metric.name,
          Object.fromEntries(
            Object.entries(metric.ratios).map(([other, { median }]) => [other, rounded(median)]),
          ),
        ]),
      ),
    ]),
  )

/** Stores the ratios of a run. */
export const storeRatios = (run: RunResult): Promise<void> =>
  writeFile(FILE, `${JSON.stringify(ratiosOf(run), undefined, 2)}\n`)

/** What fell by more than a third against the stored ratios, a line each. */
export const compareWithStored = async (run: RunResult): Promise<string[]> => {
  const stored = JSON.parse(await readFile(FILE, 'utf8')) as Ratios
  return run.cases.flatMap(({ name, metrics }) =>
    metrics.flatMap((metric) =>
      Object.entries(stored[name]?.[metric.name] ?? {}).flatMap(([other, before]) => {
        const now = metric.ratios[other as ContestantName]?.median
        if (now === undefined) return []
        const share = metric.better === 'more' ? now / before : before / now
        if (share >= TOLERATED) return []
        return [`${name}, ${metric.name}: ${rounded(now)} × ${other}, was ${before}`]
      }),
    ),
  )
}
