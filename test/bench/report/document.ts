/** The table of targets in docs/performance.md, written by the benchmark itself so that nobody has to copy figures. */
import { readFile, writeFile } from 'node:fs/promises'
import { judge, type Target, type Verdict } from '../targets.ts'
import { formatNumber } from './page.ts'
import type { CaseResult, RunResult } from './result.ts'

const FILE = new URL('../../../docs/performance.md', import.meta.url)

const BEGIN = '<!-- written by npm run bench -- --document: begin -->\n'
const END = '<!-- end -->'

const formatTarget = ({ atLeast, atMost, to }: Target): string => {
  const bound = atLeast === undefined ? `≤ ${formatNumber(atMost ?? 0)}` : `≥ ${formatNumber(atLeast)}`
  return to === undefined ? bound : `${bound} × ${to}`
}

const figureOf = ({ metrics }: CaseResult, { metric, target }: Verdict): string => {
  const found = metrics.find(({ name }) => name === metric)
  const [own, other] = [found?.values.entrepot, target.to && found?.values[target.to]]
  const text = own === undefined ? '–' : formatNumber(own.median)
  return other === undefined ? text : `${text} : ${formatNumber(other.median)}`
}

const formatRow = (result: CaseResult, verdict: Verdict): string => {
  const { metric, target, reached, isMet } = verdict
  const cells = [
    `${result.name}, ${metric}`,
    formatTarget(target),
    `${formatNumber(reached)}${target.to === undefined ? '' : ' ×'}`,
    figureOf(result, verdict),
    isMet ? 'yes' : '**no**',
  ]
  return `| ${cells.join(' | ')} |`
}

const formatTable = (run: RunResult): string => {
  const verdicts = run.cases.flatMap((result) => judge(result).map((verdict) => ({ result, verdict })))
  const met = verdicts.filter(({ verdict }) => verdict.isMet).length
  const { processor, cores, memoryGb } = run.machine
  return [
    `${cores} × ${processor}, ${memoryGb} GB, Node ${run.node}. ${met} of ${verdicts.length} targets met.`,
    '',
    '| case, metric | target | reached | entrepot : other | met |',
    '|---|---|---|---|---|',
    ...verdicts.map(({ result, verdict }) => formatRow(result, verdict)),
    '',
  ].join('\n')
}

/** Puts the table of a run in the place of the last one. */
export const documentRun = async (run: RunResult): Promise<void> => {
  const text = await readFile(FILE, 'utf8')
  const begin = text.indexOf(BEGIN) + BEGIN.length
  const end = text.indexOf(END, begin)
  if (begin < BEGIN.length || end < 0) throw new Error('docs/performance.md has no place for the table')
  await writeFile(FILE, `${text.slice(0, begin)}${formatTable(run)}${text.slice(end)}`)
}
