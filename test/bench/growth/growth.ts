/** What the cases of growth have in common: a chart that fills while a server is measured at one size after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import type { Series } from '../report/chart.ts'
import { entrepot } from '../servers/entrepot.ts'
import type { Server, ServerOptions } from '../servers/server.ts'

/** How long each kind of request is measured, in milliseconds. */
const FOR_MS = 1500
/** Not measured: until code that is run often is compiled, in milliseconds. */
const WARM_UP_MS = 700
/** After a store was filled: folders that have just changed are read again and again. */
const SETTLE_MS = 1500
const CONNECTIONS = 8
const MIB = 1024 * 1024
/** Most paths that are asked for in turn. */
const MAX_PATHS = 5000

/** Sizes from 10 to `last`, by tens. */
export const sizesTo = (last: number): number[] =>
  Array.from({ length: Math.round(Math.log10(last)) }, (_, i) => 10 ** (i + 1))

/** Some of `count` numbers, evenly spread. */
export const spread = (count: number, most = MAX_PATHS): number[] =>
  Array.from({ length: Math.min(count, most) }, (_, i) => Math.floor((i * count) / Math.min(count, most)))

/** The curves of one chart. */
export class Growth {
  readonly #bench: Bench
  readonly #series: Series[] = []

  constructor(bench: Bench, name: string, title: string, xTitle: string) {
    this.#bench = bench
    bench.charts.push({ name, title, xTitle, series: this.#series })
  }

  /** Starts a server for one size, has it measured, and notes what it took to start and to hold. */
  async at(size: number, options: ServerOptions, measure: (server: Server) => Promise<void>): Promise<void> {
    this.#bench.options.tell(`at ${size}`)
    await sleep(SETTLE_MS)
    const server = await this.#bench.start(entrepot, options)
    this.note('start', 's', size, (performance.now() - server.startedAtMs) / 1000)
    await measure(server)
    this.note('memory, at most', 'MiB', size, (await server.process.peakResidentBytes()) / MIB)
    await server.stop()
  }

  /** Asks for `paths` in turn. */
  async ask(name: string, size: number, server: Server, paths: readonly string[], connections = CONNECTIONS) {
    const order = { target: server.target, method: 'GET', paths, connections } as const
    await this.#bench.clients.request({ ...order, forMs: WARM_UP_MS })
    await this.#measure(name, size, server, async () => {
      const { requests, seconds } = await this.#bench.clients.request({ ...order, forMs: FOR_MS })
      return { requests, seconds }
    })
  }

  /** Does something over and over, one after the other. */
  async repeat(
    name: string,
    size: number,
    server: Server,
    once: (i: number) => Promise<Response>,
  ): Promise<void> {
    await this.#measure(name, size, server, async () => {
      const beganAtMs = performance.now()
      let requests = 0
      for (; performance.now() - beganAtMs < FOR_MS; requests += 1) {
        const { ok, status } = await once(requests)
        if (!ok) throw new Error(`${name} was answered ${status}`)
      }
      return { requests, seconds: (performance.now() - beganAtMs) / 1000 }
    })
  }

  /** Notes how many requests a second `work` made, and what each took of the server: neighbours change that little. */
  async #measure(
    name: string,
    size: number,
    { process }: Server,
    work: () => Promise<{ readonly requests: number; readonly seconds: number }>,
  ): Promise<void> {
    const before = await process.cpuSeconds()
    const { requests, seconds } = await work()
    const cpuMs = ((await process.cpuSeconds()) - before) * 1000
    this.note(name, 'requests/s', size, requests / seconds)
    this.note(name, 'CPU ms each', size, cpuMs / requests)
  }

  note(name: string, unit: string, size: number, value: number): void {
    let series = this.#series.find((each) => each.name === name && each.unit === unit)
    if (series === undefined) {
      series = { name, unit, points: [] }
      this.#series.push(series)
    }
    series.points.push([size, value])
    const better = unit === 'requests/s' ? 'more' : 'less'
    this.#bench.note(
      { name: `${size.toLocaleString('en')}: ${name}, ${unit}`, unit, better },
      entrepot,
      0,
      value,
    )
  }
}
