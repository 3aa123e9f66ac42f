/** Debian's `prometheus`, with the configuration and the alerts that are shipped, on other targets and faster. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { DASHBOARDS, readYaml } from '../../support/dashboards.ts'
import { cleanEnvironment } from './environment.ts'
import { findFreePort } from './ports.ts'
import { Program } from './program.ts'
import { answersHttp, waitUntil } from './wait.ts'
import type { Workspace } from './workspace.ts'

const SCRAPE_MS = 30_000

/** One series of an answer, at one moment. */
export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

/** An alert as Prometheus has it. */
export interface RuleState {
  readonly name: string
  readonly health: string
  readonly lastError?: string
}

/** A running Prometheus. */
export class Prometheus {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** Evaluates a query now. @throws Error with what Prometheus says of a wrong one */
  async query(query: string): Promise<QueryResult[]> {
    const { result } = await this.#ask<{
      result: { metric: QueryResult['metric']; value: [number, string] }[]
    }>(`query?${new URLSearchParams({ query })}`)
    return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }))
  }

  /** The rules that it evaluates. */
  async rules(): Promise<RuleState[]> {
    const { groups } = await this.#ask<{ groups: { rules: RuleState[] }[] }>('rules')
    return groups.flatMap(({ rules }) => rules)
  }

  /** Resolves when every target was scraped, well, at least `times` more. */
  async scrapes(targets: number, times: number): Promise<void> {
    const startS = Date.now() / 1000
    await waitUntil(
      `${times} scrapes of ${targets} targets`,
      async () => {
        const counts = await this.query(
          `count_over_time(up[${Math.ceil(Date.now() / 1000 - startS)}s]) and up == 1`,
        )
        return counts.length === targets && counts.every(({ value }) => value > times)
      },
      SCRAPE_MS,
    )
  }

  async #ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`)
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`prometheus: ${error}`)
    return data
  }
}

interface PrometheusConfig {
  readonly global: object
  readonly scrape_configs: readonly { readonly job_name: string }[]
}

/** Starts it, scraping `targets` (`host:port`) every second. */
export const startPrometheus = async (
  workspace: Workspace,
  targets: readonly string[],
): Promise<Prometheus> => {
  const folder = await workspace.folder('prometheus')
  const shipped = readYaml('prometheus', 'prometheus.yml') as PrometheusConfig
  const config = {
    ...shipped,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(DASHBOARDS, 'prometheus', 'alerts.yml')],
    scrape_configs: shipped.scrape_configs.map((each) => ({ ...each, static_configs: [{ targets }] })),
  }
  const file = join(folder, 'prometheus.yml')
  await writeFile(file, stringify(config))
  const address = `127.0.0.1:${await findFreePort()}`
  const program = Program.start(workspace, {
    command: 'prometheus',
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    env: cleanEnvironment(folder),
  })
  await program.ready(() => answersHttp(`http://${address}/-/ready`))
  return new Prometheus(`http://${address}`)
}
