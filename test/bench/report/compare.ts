/**
 * The short form's figures, kept beside the benchmark: a change that loses more than a third of one is noticed. Only what
 * holds still on a machine that others use as well is compared: processor time for each byte or request, as a ratio to
 * a peer's that was measured in turn with it, and counts. Throughput and latency are not.
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { MetricResult } from '../measure/samples.ts'
import type { ContestantName } from '../servers/server.ts'
import type { CaseResult } from './result.ts'

const FILE = new URL('../expected.json', import.meta.url)

/** A ratio may grow to this much of the stored one: less is better in all of them. */
const TOLERATED = 3 / 2

/**
 * Whose figures ours are divided by. For requests that is Node by itself: a neighbour changes what it costs to wake a reader,
 * and that is most of a small answer for both.
 */
const PEERS: Readonly<Record<string, ContestantName>> = { 's/GB': 'docker-registry', us: 'node' }

/** Case → metric → ratio to the peer's figure, or the count itself. */
type Stored = Record<string, Record<string, number>>

const rounded = (value: number): number => Number(value.toPrecision(3))

/** What is compared of a metric; `undefined` where nothing of it holds still. */
const steadyPartOf = ({ unit, ratios, values }: MetricResult): number | undefined => {
  const peer = PEERS[unit]
  if (peer !== undefined) return ratios[peer]?.median
  return unit === 'requests' ? values.entrepot?.median : undefined
}

const steadyPartsOf = ({ metrics }: CaseResult): [metric: string, value: number][] =>
  metrics.flatMap((metric) => {
    const value = steadyPartOf(metric)
    return value === undefined ? [] : [[metric.name, rounded(value)]]
  })

/** Stores what later runs are compared with. */
export const storeRatios = async (cases: readonly CaseResult[]): Promise<void> => {
  const stored = cases.map((one) => [one.name, Object.fromEntries(steadyPartsOf(one))])
  await writeFile(FILE, `${JSON.stringify(Object.fromEntries(stored), undefined, 2)}\n`)
}

/** What is stored. */
export const readStored = async (): Promise<Stored> => JSON.parse(await readFile(FILE, 'utf8')) as Stored

/** What a case has lost by more than a third, a line each; also what was stored and is not measured any more. */
export const compareWithStored = (one: CaseResult, stored: Stored): string[] => {
  const now = new Map(steadyPartsOf(one))
  return Object.entries(stored[one.name] ?? {}).flatMap(([metric, before]) => {
    const value = now.get(metric)
    if (value !== undefined && value <= before * TOLERATED) return []
    return [`${one.name}, ${metric}: ${value ?? 'not measured'}, was ${before}`]
  })
}
