/** Counters and gauges with series to hold on to. */
import { Counter, Gauge } from 'prom-client'
import { type Definition, type Labels, type LabelValues, namesOf, SeriesSet } from './series.ts'

/** One series of a counter or a gauge: add to its value. That of a counter only grows. */
export interface Series {
  value: number
}

interface FoldedSeries<L extends string> extends Series {
  readonly labels: Labels<L>
  /** How much of `value` prom-client knows. */
  folded: number
}

/** Series whose growth is handed on at the scrape. */
class FoldedSet<L extends string> extends SeriesSet<L, FoldedSeries<L>> {
  constructor(values: LabelValues<L>) {
    super(values, (labels) => ({ labels, value: 0, folded: 0 }))
  }

  fold(metric: Counter<L> | Gauge<L>): void {
    for (const series of this) {
      metric.inc({ ...series.labels } as Record<L, string>, series.value - series.folded)
      series.folded = series.value
    }
  }
}

/** A counter with series to hold on to. */
export class HotCounter<L extends string> extends Counter<L> {
  readonly definition: Definition<L>
  readonly #all: FoldedSet<L>

  constructor(definition: Definition<L>) {
    const { values, ...rest } = definition
    const all = new FoldedSet(values)
    super({ ...rest, labelNames: namesOf(values), collect: (): void => all.fold(this) })
    this.definition = definition
    this.#all = all
  }

  /** The series with these labels, exported from now on. */
  series(labels: Labels<L>): Series {
    return this.#all.get(labels)
  }
}

/** A gauge with series to hold on to. */
export class HotGauge<L extends string> extends Gauge<L> {
  readonly definition: Definition<L>
  readonly #all: FoldedSet<L>

  constructor(definition: Definition<L>) {
    const { values, ...rest } = definition
    const all = new FoldedSet(values)
    super({ ...rest, labelNames: namesOf(values), collect: (): void => all.fold(this) })
    this.definition = definition
    this.#all = all
  }

  /** The series with these labels, exported from now on. */
  series(labels: Labels<L>): Series {
    return this.#all.get(labels)
  }
}
