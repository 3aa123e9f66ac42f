/**
 * The benchmark: entrepot beside its peers and the practical limit of the machine, all started here, side by side and in
 * turn within one run. Figures differ from machine to machine and from day to day; the ratios are what counts.
 */
import { writeFile } from 'node:fs/promises'
import { Bench, type BenchOptions, type Case } from './bench.ts'
import { CASES } from './cases.ts'
import { resultsOf } from './measure/samples.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import { drawChart } from './report/chart.ts'
import { compareWithStored, readStored, storeRatios } from './report/compare.ts'
import { documentRun } from './report/document.ts'
import { formatPage } from './report/page.ts'
import { type CaseResult, describeMachine, type RunResult } from './report/result.ts'
import { contestants } from './servers/all.ts'

const DOCS = new URL('../../docs/', import.meta.url)

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const tell = (text: string): void => void process.stderr.write(`${text}\n`)

const select = ({ cases, form }: Options): Case[] => {
  const unknown = cases.filter((name) => !CASES.some((each) => each.name === name))
  if (unknown.length > 0) throw new TypeError(`no such case: ${unknown.join(', ')}`)
  if (cases.length > 0) return CASES.filter(({ name }) => cases.includes(name))
  return CASES.filter(({ form: each }) => each === form || (form === 'full' && each === 'short'))
}

const runCase = async (one: Case, options: BenchOptions): Promise<CaseResult> => {
  const { name, title } = one
  const telling = { ...options, tell: (line: string) => tell(`${name}: ${line}`) }
  try {
    const { samples, charts } = await Bench.run(telling, (bench) => one.run(bench))
    return { name, title, metrics: resultsOf(samples), charts }
  } catch (error) {
    return { name, title, metrics: [], failure: error instanceof Error ? error.message : String(error) }
  }
}

/** Charts stand in the documentation. */
const drawCharts = async (cases: readonly CaseResult[]): Promise<void> => {
  for (const chart of cases.flatMap(({ charts = [] }) => charts))
    await writeFile(new URL(`growth-${chart.name}.svg`, DOCS), drawChart(chart))
}

/** How often a case that has lost is run again. */
const TRIES = 2

/** Cases against what is stored; one that has lost is run again, since neighbours come and go. */
const findLosses = async (cases: readonly CaseResult[], options: Options): Promise<string[]> => {
  const stored = await readStored()
  const losses: string[] = []
  for (const one of select(options)) {
    const result = cases.find(({ name }) => name === one.name)
    let lost = result === undefined ? [] : compareWithStored(result, stored)
    for (let tries = 0; lost.length > 0 && tries < TRIES; tries += 1) {
      tell(`once more: ${lost.join('; ')}`)
      lost = compareWithStored(await runCase(one, { ...options, tell }), stored)
    }
    losses.push(...lost)
  }
  return losses
}

const run = async (options: Options): Promise<number> => {
  for (const { name, executable } of contestants)
    if (options.contestants.includes(name) && executable() === undefined) tell(`not installed: ${name}`)
  const cases: CaseResult[] = []
  const result: RunResult = {
    machine: describeMachine(),
    node: process.versions.node,
    form: options.form,
    cases,
  }
  for (const one of select(options)) {
    cases.push(await runCase(one, { ...options, tell }))
    // Twenty minutes of figures are not lost with the last case.
    if (options.jsonFile !== undefined)
      await writeFile(options.jsonFile, `${JSON.stringify(result, undefined, 2)}\n`)
  }
  say(formatPage(result))
  if (!options.isShort) await drawCharts(cases)
  if (options.documents) await documentRun(result)
  const failures = cases.filter(({ failure }) => failure !== undefined).map(({ name }) => `${name} failed`)
  if (options.stores) await storeRatios(cases)
  else if (options.isShort) failures.push(...(await findLosses(cases, options)))
  for (const failure of failures) tell(failure)
  return failures.length === 0 ? 0 : 1
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.lists) for (const { name, title } of CASES) say(`${name.padEnd(20)}${title}`)
  else process.exitCode = await run(options)
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  tell(`${error.message}\n${USAGE}`)
  process.exitCode = 2
}
