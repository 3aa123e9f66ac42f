/** What was measured: one figure a contestant, metric and round; and the ratios that follow. Pure. */
import type { ContestantName } from '../servers/server.ts'
import { type Summary, summarize } from './statistics.ts'

/** Something that is measured in a case. */
export interface Metric {
  readonly name: string
  /** `GB/s`, `requests/s`, `ms`, `MiB`, … */
  readonly unit: string
  readonly better: 'more' | 'less'
}

/** One figure. */
export interface Sample {
  readonly metric: Metric
  readonly contestant: ContestantName
  /** Figures of one round were taken right after each other, and are what is compared. */
  readonly round: number
  readonly value: number
}

/** What a metric came to. */
export interface MetricResult extends Metric {
  readonly values: Readonly<Partial<Record<ContestantName, Summary>>>
  /** entrepot's figure divided by each other's, round by round. */
  readonly ratios: Readonly<Partial<Record<ContestantName, Summary>>>
}

const SUBJECT: ContestantName = 'entrepot'

const namesOf = (samples: readonly Sample[]): ContestantName[] => [
  ...new Set(samples.map(({ contestant }) => contestant)),
]

const valuesOf = (samples: readonly Sample[], name: ContestantName): Sample[] =>
  samples.filter(({ contestant }) => contestant === name)

/** Ratios of rounds in which both were measured; where one was measured less often, of its last figure. */
const ratiosTo = (samples: readonly Sample[], name: ContestantName): number[] => {
  const others = valuesOf(samples, name)
  return valuesOf(samples, SUBJECT).flatMap(({ round, value }) => {
    const other = others.find((each) => each.round === round) ?? others.at(-1)
    return other === undefined || other.value === 0 ? [] : [value / other.value]
  })
}

const resultOf = (metric: Metric, samples: readonly Sample[]): MetricResult => {
  const names = namesOf(samples)
  const values = names.map((name) => [name, summarize(valuesOf(samples, name).map(({ value }) => value))])
  const ratios = names
    .filter((name) => name !== SUBJECT)
    .map((name) => [name, ratiosTo(samples, name)] as const)
    .filter(([, each]) => each.length > 0)
    .map(([name, each]) => [name, summarize(each)])
  return { ...metric, values: Object.fromEntries(values), ratios: Object.fromEntries(ratios) }
}

/** The metrics of a case, in the order in which they were first measured. */
export const resultsOf = (samples: readonly Sample[]): MetricResult[] => {
  const byName = new Map<string, Sample[]>()
  for (const sample of samples)
    byName.set(sample.metric.name, [...(byName.get(sample.metric.name) ?? []), sample])
  return [...byName.values()].map((each) => resultOf((each[0] as Sample).metric, each))
}
