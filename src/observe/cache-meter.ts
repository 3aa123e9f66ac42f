/** Counts what memory spares the store, under the names of both releases of distribution. A hot path. */
import type { Series } from './counter.ts'
import type { storageMetrics } from './table/storage.ts'

/** Counts look-ups of links. */
export class CacheMeter {
  readonly #onHit: readonly Series[]
  readonly #onMiss: readonly Series[]

  constructor({ cacheRequests, cacheHits, cacheByType }: ReturnType<typeof storageMetrics>) {
    const requests = [cacheRequests.series({}), cacheByType.series({ type: 'Request' })]
    this.#onHit = [...requests, cacheHits.series({}), cacheByType.series({ type: 'Hit' })]
    this.#onMiss = [...requests, cacheByType.series({ type: 'Miss' })]
  }

  /** A link was looked for. */
  noteLookup(isHit: boolean): void {
    for (const series of isHit ? this.#onHit : this.#onMiss) series.value += 1
  }
}
