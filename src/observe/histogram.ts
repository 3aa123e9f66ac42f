/** Histograms with series to hold on to. */
import type { Histogram } from 'prom-client'
import { type Definition, type Labels, SeriesSet } from './series.ts'

/** One series of a histogram. */
export class HistogramSeries {
  readonly #labels: Readonly<Record<string, string>>
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  /** Counts a value, which must be a number. */
  observe(value: number): void {
    let index = 0
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index += 1
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value
  }

  /** The lines of the exposition: each bucket holds what the ones before it hold, too. */
  lines(name: string) {
    const labels = this.#labels
    let count = 0
    const buckets = [...this.#bounds, '+Inf'].map((le, index) => {
      count += this.#counts[index] ?? 0
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}

/** A histogram of series to hold on to. */
export class HotHistogram<L extends string> {
  readonly definition: Definition<L>
  readonly #all: SeriesSet<L, HistogramSeries>

  /** @param bounds upper bounds of the buckets, inclusive, in order */
  constructor(definition: Definition<L>, bounds: readonly number[]) {
    this.definition = definition
    this.#all = new SeriesSet(definition.values, (labels) => new HistogramSeries(labels, bounds))
    // All that prom-client's registry asks of a metric is `name` and `get`.
    for (const registry of definition.registers) registry.registerMetric(this as unknown as Histogram<L>)
  }

  /** The series with these labels, exported from now on. */
  series(labels: Labels<L>): HistogramSeries {
    return this.#all.get(labels)
  }

  /** For prom-client's registry. */
  get name(): string {
    return this.definition.name
  }

  /** Counts a value under these labels. */
  observe(labels: Labels<L>, value: number): void {
    this.series(labels).observe(value)
  }

  /** For prom-client's registry. */
  async get() {
    const { name, help } = this.definition
    const values = [...this.#all].flatMap((series) => series.lines(name))
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}
