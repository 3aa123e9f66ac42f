/** One page for people: entrepot's figures, and the ratios to everybody else with the targets beside them. */
import type { MetricResult } from '../measure/samples.ts'
import type { Summary } from '../measure/statistics.ts'
import type { ContestantName } from '../servers/server.ts'
import { judge, type Target, type Verdict } from '../targets.ts'
import type { CaseResult, RunResult } from './result.ts'

const NAME_WIDTH = 50
const WIDTH = 21

const DIGITS = 3

/** A number with three digits that count. */
export const formatNumber = (value: number): string =>
  Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en')
    : Number(value.toPrecision(DIGITS)).toString()

const formatTarget = ({ atLeast, atMost }: Target): string =>
  atLeast === undefined ? `≤${formatNumber(atMost ?? 0)}` : `≥${formatNumber(atLeast)}`

const formatVerdicts = (verdicts: readonly Verdict[]): string =>
  verdicts.map(({ target, isMet }) => ` (${formatTarget(target)} ${isMet ? '✓' : '✗'})`).join('')

/** Half of the distance between the ends, as a share of the middle. */
const spread = ({ median, min, max }: Summary): string =>
  min === max || median === 0 ? '' : ` ±${Math.round(((max - min) / 2 / Math.abs(median)) * 100)}%`

const formatRatio = (metric: MetricResult, name: ContestantName, verdicts: readonly Verdict[]): string => {
  const ratio = metric.ratios[name]
  if (ratio === undefined) {
    const value = metric.values[name]
    return value === undefined ? '' : formatNumber(value.median)
  }
  const own = verdicts.filter(({ target }) => target.to === name)
  return `${formatNumber(ratio.median)}×${formatVerdicts(own)}`
}

const formatMetric = (
  metric: MetricResult,
  names: readonly ContestantName[],
  all: readonly Verdict[],
): string => {
  const verdicts = all.filter((verdict) => verdict.metric === metric.name)
  const { entrepot } = metric.values
  const own = verdicts.filter(({ target }) => target.to === undefined)
  const figure =
    entrepot === undefined ? '–' : `${formatNumber(entrepot.median)}${spread(entrepot)}${formatVerdicts(own)}`
  const ratios = names.map((name) => formatRatio(metric, name, verdicts).padEnd(WIDTH))
  return `  ${metric.name.padEnd(NAME_WIDTH)}${figure.padEnd(WIDTH)}${ratios.join('')}`.trimEnd()
}

const formatCase = (result: CaseResult): string[] => {
  const verdicts = judge(result)
  const others = result.metrics.flatMap(({ values }) => Object.keys(values) as ContestantName[])
  const names = [...new Set(others)].filter((name) => name !== 'entrepot')
  const heads = ['entrepot', ...names.map((name) => `÷ ${name}`)].map((head) => head.padEnd(WIDTH))
  return [
    `${`${result.name}: ${result.title}`}`,
    `  ${''.padEnd(NAME_WIDTH)}${heads.join('')}`.trimEnd(),
    ...result.metrics.map((metric) => formatMetric(metric, names, verdicts)),
    ...(result.failure === undefined ? [] : [`  failed: ${result.failure}`]),
    '',
  ]
}

/** The page. */
export const formatPage = (run: RunResult): string => {
  const verdicts = run.cases.flatMap(judge)
  const met = verdicts.filter(({ isMet }) => isMet).length
  const { processor, cores, memoryGb } = run.machine
  return [
    `${cores} × ${processor}, ${memoryGb} GB, Node ${run.node}, ${run.form} form`,
    'Medians over rounds; ratios are entrepot’s figure divided by the other’s, round by round.',
    '',
    ...run.cases.flatMap(formatCase),
    `targets met: ${met} of ${verdicts.length}`,
  ].join('\n')
}
