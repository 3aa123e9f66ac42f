/** Counts what is done with content. A hot path, for pulls. */
import type { Series } from './counter.ts'
import type { ContentType } from './read-meter.ts'
import { OPERATIONS, type pushMetrics } from './table/pushes.ts'

/** What is done with content. */
export type Operation = (typeof OPERATIONS)[number]

/** Counts operations. */
export class OperationMeter {
  readonly #byType: Readonly<Record<ContentType, ReadonlyMap<Operation, Series>>>

  constructor({ operations }: ReturnType<typeof pushMetrics>) {
    const seriesOf = (type: ContentType) =>
      new Map(OPERATIONS.map((action) => [action, operations.series({ action, type })]))
    this.#byType = { blob: seriesOf('blob'), manifest: seriesOf('manifest') }
  }

  /** Something was done, with success. */
  done(action: Operation, type: ContentType): void {
    const series = this.#byType[type].get(action)
    if (series !== undefined) series.value += 1
  }
}
