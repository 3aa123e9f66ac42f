/** The dashboards and alerts that are shipped, read from their files. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { ROOT } from './project.ts'

/** The folder of all of it. */
export const DASHBOARDS = join(ROOT, 'dashboards')

/** A panel of a Grafana dashboard, as far as tests look at it. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  /** What it shows, for those who look at it; rows have none. */
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

/** A Grafana dashboard. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
}

/** An alert of Prometheus. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const readText = (...path: string[]): string => readFileSync(join(DASHBOARDS, ...path), 'utf8')

/** All dashboards, by the name of their file. */
export const readDashboards = (): ReadonlyMap<string, Dashboard> =>
  new Map(
    readdirSync(join(DASHBOARDS, 'grafana'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => [name, JSON.parse(readText('grafana', name)) as Dashboard]),
  )

/** A YAML file below the folder. */
export const readYaml = (...path: string[]): unknown => parse(readText(...path))

/** All alerts. */
export const readAlerts = (): Alert[] =>
  (readYaml('prometheus', 'alerts.yml') as { groups: { rules: Alert[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  )

/** A query with the variables of Grafana filled in, for all servers. */
export const fillIn = (query: string, rateInterval: string, range: string): string =>
  query
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$__range', range)
    .replaceAll('$instance', '.*')
