/** What the cases of growth have in common: a chart that fills while a server is measured at one size after the other. */
import type { Bench } from '../bench.ts'
import type { Series } from '../report/chart.ts'
import { entrepot } from '../servers/entrepot.ts'
import type { Server, ServerOptions } from '../servers/server.ts'

/** How long each kind of request is measured, in milliseconds. */
const FOR_MS = 1500
/** Not measured: until code that is run often is compiled, in milliseconds. */
const WARM_UP_MS = 700
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
    const server = await this.#bench.start(entrepot, options)
    this.note('start', 's', size, (performance.now() - server.startedAtMs) / 1000)
    await measure(server)
    this.note('memory, at most', 'MiB', size, (await server.process.peakResidentBytes()) / MIB)
    await server.stop()
  }

  /** Asks for `paths` in turn, and notes how many a second were answered. */
  async ask(
    name: string,
    size: number,
    { target }: Server,
    paths: readonly string[],
    connections = CONNECTIONS,
  ) {
    const order = { target, method: 'GET', paths, connections } as const
    await this.#bench.clients.request({ ...order, forMs: WARM_UP_MS })
    const { requests, seconds } = await this.#bench.clients.request({ ...order, forMs: FOR_MS })
    this.note(name, 'requests/s', size, requests / seconds)
  }

  /** Does something over and over, one after the other, and notes how often a second. */
  async repeat(name: string, size: number, once: (i: number) => Promise<Response>): Promise<void> {
    const beganAtMs = performance.now()
    let count = 0
    for (; performance.now() - beganAtMs < FOR_MS; count += 1) {
      const { ok, status } = await once(count)
      if (!ok) throw new Error(`${name} was answered ${status}`)
    }
    this.note(name, 'requests/s', size, (count * 1000) / (performance.now() - beganAtMs))
  }

  note(name: string, unit: string, size: number, value: number): void {
    let series = this.#series.find((each) => each.name === name)
    if (series === undefined) {
      series = { name, unit, points: [] }
      this.#series.push(series)
    }
    series.points.push([size, value])
    const better = unit === 'requests/s' ? 'more' : 'less'
    this.#bench.note({ name: `${size.toLocaleString('en')}: ${name}`, unit, better }, entrepot, 0, value)
  }
}
