import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { HotCounter } from '../../src/observe/counter.ts'
import { HotHistogram } from '../../src/observe/histogram.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { type HotMetric, isHotMetric, printMetrics } from '../../src/observe/reference.ts'
import { ROOT } from '../support/project.ts'

/** Names that others chose, and that people have dashboards for: distribution, exporters, prom-client for the process. */
const ODD_NAMES = [
  'registry_notifications_pending_total',
  'dockerhub_limit_max_requests_total',
  'dockerhub_limit_remaining_requests_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** The metrics that entrepot made itself, those of the process left out. */
const ownMetrics = (metrics = createMetrics()): HotMetric[] =>
  Object.values<unknown>(metrics).filter(isHotMetric)

const nameOf = ({ definition }: HotMetric): string => definition.name
const helpOf = ({ definition }: HotMetric): string => definition.help
const labelsOf = ({ definition }: HotMetric): string[] => Object.keys(definition.values)

/** Everything that is exported once something happened to every metric. */
const exposeAll = async (): Promise<string> => {
  const metrics = createMetrics()
  for (const metric of ownMetrics(metrics)) {
    const labels = Object.fromEntries(labelsOf(metric).map((name) => [name, 'x "quoted" \\ y\nz']))
    if (metric instanceof HotHistogram) metric.observe(labels, 1)
    else metric.inc(labels, 1)
  }
  return metrics.registry.metrics()
}

const isPromtoolHere = spawnSync('promtool', ['--version']).status === 0
const mayBeSkipped = process.env.CI === undefined
const skip = !isPromtoolHere && mayBeSkipped ? 'promtool (Debian: prometheus) is not installed' : false

describe('the metrics', () => {
  it('are exported as promtool wants them', { skip }, async () => {
    const { status, error, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await exposeAll(),
      encoding: 'utf8',
    })
    assert.equal(error, undefined)
    const complaints = stderr
      .split('\n')
      .filter((line) => line !== '' && !ODD_NAMES.includes(line.split(' ')[0]!))
    assert.deepEqual(complaints, [])
    // 3 stands for the complaints that were left out here; 1 would be an exposition that cannot be read.
    assert.ok(status === 0 || status === 3)
  })

  it('are of entrepot, or have the names of distribution and of exporters', () => {
    for (const metric of ownMetrics())
      assert.match(nameOf(metric), /^(entrepot|registry|dockerhub)_[a-z0-9]+(_[a-z0-9]+)*$/)
  })

  it('say each what they are, on one line', () => {
    for (const metric of ownMetrics()) assert.match(helpOf(metric), /^[A-Z0-9].{10,}[^.]$/, nameOf(metric))
  })

  it('end in _total where they only grow, and only there', () => {
    for (const metric of ownMetrics().filter((each) => !ODD_NAMES.includes(nameOf(each))))
      assert.equal(nameOf(metric).endsWith('_total'), metric instanceof HotCounter, nameOf(metric))
  })

  it('have their unit in the name: seconds or bytes, never a multiple', () => {
    for (const metric of ownMetrics()) {
      const name = nameOf(metric)
      if (metric instanceof HotHistogram) assert.match(name, /_(seconds|bytes)$/)
      if (/\b(Bytes|Size)\b/.test(helpOf(metric))) assert.match(name, /_bytes(_total)?$/)
      if (/\b(Time|Seconds|Age)\b(?!s)/.test(helpOf(metric)) && !(metric instanceof HotCounter))
        assert.match(name, /_seconds$/)
      assert.doesNotMatch(name, /_(ms|milliseconds|minutes|hours|days|kb|mb|kib|mib|percent)(_|$)/)
    }
  })

  it('have no label whose values have no bound', () => {
    for (const metric of ownMetrics())
      for (const label of labelsOf(metric))
        assert.doesNotMatch(label, /^(repository|name|tag|digest|account|user|address|path|url|le|quantile)$/)
  })

  it('count from 0 what dashboards take a rate of, before anything happened', async () => {
    const text = await createMetrics().registry.metrics()
    for (const type of ['blob', 'manifest'])
      for (const name of ['requests', 'hits', 'misses', 'pulled_bytes', 'pushed_bytes'])
        assert.ok(text.split('\n').includes(`registry_proxy_${name}_total{type="${type}"} 0`), name)
  })

  it('of two servers in one process are two', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.fetchesActive.inc(5)
    assert.match(await one.registry.metrics(), /^entrepot_fetches_active 5$/m)
    assert.match(await other.registry.metrics(), /^entrepot_fetches_active 0$/m)
  })

  it('are documented: `npm run docs` writes docs/metrics.md', () => {
    const written = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8')
    assert.equal(written, printMetrics())
  })
})
