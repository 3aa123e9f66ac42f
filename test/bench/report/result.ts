/** The outcome of a run, as it is written to JSON. */
import { cpus, totalmem } from 'node:os'
import type { MetricResult } from '../measure/samples.ts'
import type { Chart } from './chart.ts'

/** What a case came to. */
export interface CaseResult {
  readonly name: string
  readonly title: string
  readonly metrics: readonly MetricResult[]
  readonly charts?: readonly Chart[]
  /** Why the case, or part of it, could not be run. */
  readonly failure?: string
}

/** What a run came to, and where. */
export interface RunResult {
  readonly machine: { readonly processor: string; readonly cores: number; readonly memoryGb: number }
  readonly node: string
  readonly form: 'full' | 'short' | 'growth'
  readonly cases: readonly CaseResult[]
}

/** The machine, as far as it matters. */
export const describeMachine = (): RunResult['machine'] => ({
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 1e9),
})
