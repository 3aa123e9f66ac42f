/** The reference of all metrics as Markdown, made from the tables: docs/metrics.md. */
import { HotCounter, HotGauge } from './counter.ts'
import { HotHistogram } from './histogram.ts'
import { createMetrics } from './metrics.ts'

const INTRODUCTION = `# Metrics

The debug listener (\`http.debug.addr\`, by default 127.0.0.1:5001) has them at \`/metrics\`, as Prometheus reads them. No
label holds a repository, a tag or an account: their number has no bound. What is counted starts at 0 wherever the values
of its labels are known beforehand; an upstream, an endpoint or a status that a label names is there once it was met.
`

const SECTIONS: readonly { readonly prefix: string; readonly title: string; readonly text: string }[] = [
  {
    prefix: 'entrepot_',
    title: "entrepot's own",
    text: 'How a read was answered is one word everywhere: in the log, here and in dashboards.',
  },
  {
    prefix: 'registry_',
    title: 'Names of distribution',
    text: 'Those of `registry:2` and 3.x, so that dashboards for them go on working.',
  },
  {
    prefix: 'dockerhub_',
    title: 'Names of the exporters of Docker Hub limits',
    text: 'There once Docker Hub, as an upstream, has told its limit.',
  },
]

const PROCESS = `## The process

\`process_*\` (processor time, memory, file descriptors, start) and \`nodejs_*\` (lag of the event loop, heap, garbage
collection), as the library prom-client names them.
`

/** Any metric of entrepot's own. */
export type HotMetric = HotCounter<string> | HotGauge<string> | HotHistogram<string>

/** Whether it is one. */
export const isHotMetric = (value: unknown): value is HotMetric =>
  value instanceof HotCounter || value instanceof HotGauge || value instanceof HotHistogram

const describeLabels = ({ definition }: HotMetric): string =>
  Object.entries(definition.values)
    .map(([label, values]) => (values.length === 0 ? `\`${label}\`` : `\`${label}\`: ${values.join(', ')}`))
    .join('; ')

const typeOf = (metric: HotMetric): string =>
  metric instanceof HotCounter ? 'counter' : metric instanceof HotGauge ? 'gauge' : 'histogram'

const formatRow = (metric: HotMetric): string =>
  `| \`${metric.definition.name}\` | ${typeOf(metric)} | ${describeLabels(metric)} | ${metric.definition.help} |`

/** The reference: an introduction, then a table for each origin of names. */
export const printMetrics = (): string => {
  const metrics = Object.values<unknown>(createMetrics()).filter(isHotMetric)
  const sections = SECTIONS.map(({ prefix, title, text }) => {
    const rows = metrics.filter(({ definition }) => definition.name.startsWith(prefix)).map(formatRow)
    const table = ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows]
    return `## ${title}\n\n${text}\n\n${table.join('\n')}\n`
  })
  return [INTRODUCTION, ...sections, PROCESS].join('\n')
}
