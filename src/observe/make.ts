/** Makes the metrics of one registry. */
import type { Registry } from 'prom-client'
import { HotCounter, HotGauge } from './counter.ts'
import { HotHistogram } from './histogram.ts'
import type { LabelValues } from './series.ts'

/** Label values that are known only while the server runs: names of upstreams, statuses. They must have a bound all the same. */
export const LATER: readonly string[] = []

/** Makes the metrics of a table: name, one line of help, and the values that each label may have. */
export interface Make {
  counter<L extends string = never>(name: string, help: string, values?: LabelValues<L>): HotCounter<L>
  gauge<L extends string = never>(name: string, help: string, values?: LabelValues<L>): HotGauge<L>
  /** @param bounds upper bounds of the buckets, in the unit that the name ends in */
  histogram<L extends string>(
    name: string,
    help: string,
    bounds: readonly number[],
    values: LabelValues<L>,
  ): HotHistogram<L>
}

const noLabels = <L extends string>(): LabelValues<L> => ({}) as LabelValues<L>

/** Makes metrics of `registry`. */
export const createMake = (registry: Registry): Make => {
  const registers = [registry]
  return {
    counter: (name, help, values = noLabels()) => new HotCounter({ name, help, values, registers }),
    gauge: (name, help, values = noLabels()) => new HotGauge({ name, help, values, registers }),
    histogram: (name, help, bounds, values) => new HotHistogram({ name, help, values, registers }, bounds),
  }
}
