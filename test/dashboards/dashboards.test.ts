/** Dashboards and alerts that cannot be right: metrics and labels that are not there, panels that lie on each other. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { HotHistogram } from '../../src/observe/histogram.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { isHotMetric } from '../../src/observe/reference.ts'
import {
  DASHBOARDS,
  fillIn,
  type Panel,
  readAlerts,
  readDashboards,
  readYaml,
} from '../support/dashboards.ts'
import { parseExposition } from '../support/exposition.ts'
import { groupingsOf, selectorsOf } from '../support/promql.ts'

/** Labels that Prometheus adds itself. */
const ADDED = ['instance', 'job']

/** What is exported: name → labels. */
const exported = async (): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const metrics = createMetrics()
  const labelsByName = new Map<string, Set<string>>([['up', new Set(ADDED)]])
  for (const metric of Object.values<unknown>(metrics).filter(isHotMetric)) {
    const { name, values } = metric.definition
    const labels = [...Object.keys(values), ...ADDED]
    if (!(metric instanceof HotHistogram)) labelsByName.set(name, new Set(labels))
    else
      for (const part of ['bucket', 'sum', 'count'])
        labelsByName.set(`${name}_${part}`, new Set(part === 'bucket' ? [...labels, 'le'] : labels))
  }
  for (const { name, labels } of parseExposition(await metrics.scrape.text()))
    if (!labelsByName.has(name)) labelsByName.set(name, new Set([...Object.keys(labels), ...ADDED]))
  return labelsByName
}

const queriesOf = ({ targets = [] }: Panel): string[] => targets.map(({ expr }) => expr)

/** Mistakes in a query: what it selects, matches or groups by that nobody exports. */
const mistakesIn = (query: string, known: ReadonlyMap<string, ReadonlySet<string>>): string[] => {
  const selectors = selectorsOf(query)
  const unknown = selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => metric)
  const labelsOf = ({ metric }: { metric: string }): ReadonlySet<string> => known.get(metric) ?? new Set()
  const unmatched = selectors.flatMap((selector) =>
    selector.labels.filter((label) => !labelsOf(selector).has(label)),
  )
  const ungrouped = groupingsOf(query).filter((label) => !selectors.some((each) => labelsOf(each).has(label)))
  return [...unknown, ...unmatched, ...ungrouped]
}

const isPromtoolHere = spawnSync('promtool', ['--version']).status === 0
const skip =
  !isPromtoolHere && process.env.CI === undefined ? 'promtool (Debian: prometheus) is not installed' : false

const promtool = (...args: string[]): void => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
}

describe('the dashboards', () => {
  const dashboards = readDashboards()

  it('are one for the mirror and one for the registry, with names of their own', () => {
    assert.deepEqual([...dashboards.keys()], ['mirror.json', 'registry.json'])
    assert.equal(new Set([...dashboards.values()].map(({ uid }) => uid)).size, dashboards.size)
  })

  for (const [file, { panels, templating }] of dashboards) {
    it(`of ${file} ask for metrics and labels that there are`, async () => {
      const known = await exported()
      for (const panel of panels)
        for (const query of queriesOf(panel))
          assert.deepEqual(mistakesIn(query, known), [], `${panel.title}: ${query}`)
    })

    it(`of ${file} ask for the chosen servers alone`, () => {
      for (const panel of panels)
        for (const query of queriesOf(panel))
          for (const { metric, matchers } of selectorsOf(query))
            assert.match(matchers, /instance=~"\$instance"/, `${panel.title}: ${metric}`)
    })

    it(`of ${file} use no variable that is not theirs`, () => {
      const own = templating.list.map(({ name }) => name)
      for (const panel of panels)
        for (const query of queriesOf(panel))
          for (const [, name = ''] of fillIn(query, '5m', '1h').matchAll(/\$\{?(\w+)/g))
            assert.ok(own.includes(name), `${panel.title}: $${name}`)
    })

    it(`of ${file} have panels that lie beside each other, each with a title, an explanation and a query`, () => {
      const cells = new Map<string, string>()
      for (const { title, description = '', gridPos, type, targets = [] } of panels) {
        assert.ok(title !== '' && (type === 'row') === (targets.length === 0), title)
        assert.ok(type === 'row' || /^[A-Z0-9a-z].*\.$/.test(description), title)
        assert.ok(gridPos.x + gridPos.w <= 24, title)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.equal(cells.get(`${x} ${y}`), undefined, title)
            cells.set(`${x} ${y}`, title)
          }
      }
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    })
  }

  it('are where Grafana looks for them, and so is its Prometheus', () => {
    const { providers } = readYaml('grafana', 'provisioning', 'dashboards', 'entrepot.yml') as {
      providers: { type: string; options: { path: string } }[]
    }
    assert.deepEqual(
      providers.map(({ type, options }) => [type, options.path]),
      [['file', '/etc/grafana/dashboards']],
    )
    const { datasources } = readYaml('grafana', 'provisioning', 'datasources', 'prometheus.yml') as {
      datasources: { type: string; url: string; isDefault: boolean }[]
    }
    assert.deepEqual(
      datasources.map(({ type, url, isDefault }) => [type, url, isDefault]),
      [['prometheus', 'http://prometheus:9090', true]],
    )
  })
})

describe('the check of a query', () => {
  it('finds metrics, matchers and groups that are not there', async () => {
    const known = await exported()
    assert.deepEqual(mistakesIn('sum by (type) (rate(entrepot_reads_total{answer="hit"}[5m]))', known), [])
    assert.deepEqual(mistakesIn('entrepot_read_total', known), ['entrepot_read_total'])
    assert.deepEqual(mistakesIn('entrepot_reads_total{answr="hit"}', known), ['answr'])
    assert.deepEqual(mistakesIn('sum by (typ) (entrepot_reads_total)', known), ['typ'])
    assert.deepEqual(mistakesIn('entrepot_upstream_queue_wait_seconds', known), [
      'entrepot_upstream_queue_wait_seconds',
    ])
  })
})

describe('the alerts', () => {
  const alerts = readAlerts()
  const rules = join(DASHBOARDS, 'prometheus', 'alerts.yml')

  it('ask for metrics and labels that there are', async () => {
    const known = await exported()
    for (const { alert, expr } of alerts) assert.deepEqual(mistakesIn(expr, known), [], alert)
  })

  it('say what is the matter, what it means, and how much it hurries', () => {
    for (const { alert, labels, annotations } of alerts) {
      assert.match(annotations.summary ?? '', /\{\{/, `${alert} names what it is about`)
      assert.match(annotations.description ?? '', /\.$/, alert)
      assert.ok(['page', 'ticket'].includes(labels.severity ?? ''), alert)
    }
    assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
  })

  it('are each tested firing and silent', () => {
    const { tests } = readYaml('prometheus', 'alerts.test.yml') as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
    for (const { alert } of alerts) {
      const own = cases.filter(({ alertname }) => alertname === alert)
      assert.ok(
        own.some(({ exp_alerts }) => exp_alerts.length > 0),
        `${alert} fires nowhere`,
      )
      assert.ok(
        own.some(({ exp_alerts }) => exp_alerts.length === 0),
        `${alert} is silent nowhere`,
      )
    }
  })

  it('are what promtool takes, and so is the configuration of Prometheus', { skip }, () => {
    promtool('check', 'rules', rules)
    promtool('check', 'config', join(DASHBOARDS, 'prometheus', 'prometheus.yml'))
  })

  it('fire when they should, as promtool runs their tests', { skip }, () => {
    promtool('test', 'rules', join(DASHBOARDS, 'prometheus', 'alerts.test.yml'))
  })
})
