/** Counts the requests of one server, under distribution's names. A hot path: every series is held. */
import type { Series } from './counter.ts'
import type { HistogramSeries } from './histogram.ts'
import type { Scrape } from './scrape.ts'
import { HANDLERS, type requestMetrics } from './table/requests.ts'

/** A request that was answered, or whose client left. */
export interface MeasuredRequest {
  /** Kind of its route; `undefined` where it has none. */
  readonly handler: string | undefined
  /** In lower case. */
  readonly method: string
  readonly status: number
  readonly seconds: number
  /** Bytes of bodies. */
  readonly requestBytes: number
  readonly responseBytes: number
}

type RequestMetrics = ReturnType<typeof requestMetrics>

/** The series of one kind of route and one method. */
class MethodMeter {
  readonly #labels: { readonly handler: string; readonly method: string }
  readonly #metrics: RequestMetrics
  readonly #seconds: HistogramSeries
  readonly #byStatus = new Map<number, Series>()

  constructor(handler: string, method: string, metrics: RequestMetrics) {
    this.#labels = { handler, method }
    this.#metrics = metrics
    this.#seconds = metrics.httpSeconds.series(this.#labels)
  }

  count(status: number, seconds: number): void {
    this.#seconds.observe(seconds)
    let requests = this.#byStatus.get(status)
    if (requests === undefined) {
      requests = this.#metrics.httpRequests.series({ ...this.#labels, code: String(status) })
      this.#byStatus.set(status, requests)
    }
    requests.value += 1
  }
}

/** The series of one kind of route. */
class HandlerMeter {
  /** Requests under way. */
  open = 0
  readonly #handler: string
  readonly #metrics: RequestMetrics
  readonly #requestBytes: HistogramSeries
  readonly #responseBytes: HistogramSeries
  readonly #byMethod = new Map<string, MethodMeter>()

  constructor(handler: string, metrics: RequestMetrics) {
    this.#handler = handler
    this.#metrics = metrics
    this.#requestBytes = metrics.httpRequestBytes.series({ handler })
    this.#responseBytes = metrics.httpResponseBytes.series({ handler })
  }

  count({ method, status, seconds, requestBytes, responseBytes }: MeasuredRequest): void {
    let meter = this.#byMethod.get(method)
    if (meter === undefined) {
      meter = new MethodMeter(this.#handler, method, this.#metrics)
      this.#byMethod.set(method, meter)
    }
    meter.count(status, seconds)
    this.#requestBytes.observe(requestBytes)
    this.#responseBytes.observe(responseBytes)
  }
}

/** Counts requests. Of those under way it keeps numbers alone: a list of them would keep them alive long after. */
export class RequestMeter {
  readonly #base: HandlerMeter
  readonly #byHandler: ReadonlyMap<string, HandlerMeter>

  constructor(metrics: RequestMetrics, scrape: Scrape) {
    const byHandler = new Map<string, HandlerMeter>()
    for (const handler of HANDLERS) byHandler.set(handler, new HandlerMeter(handler, metrics))
    this.#base = byHandler.get('base') ?? new HandlerMeter('base', metrics)
    this.#byHandler = byHandler
    scrape.before(() => this.#countOpen(metrics))
  }

  /** A request came. */
  began(): void {
    this.#base.open += 1
  }

  /** It has found its route. */
  routed(handler: string): void {
    this.#base.open -= 1
    this.#meterOf(handler).open += 1
  }

  /** It was answered, or its client left. */
  ended(measured: MeasuredRequest): void {
    const meter = this.#meterOf(measured.handler)
    meter.open -= 1
    meter.count(measured)
  }

  #meterOf(handler = 'base'): HandlerMeter {
    return this.#byHandler.get(handler) ?? this.#base
  }

  #countOpen({ httpInFlight }: RequestMetrics): void {
    for (const handler of HANDLERS) httpInFlight.set({ handler }, this.#meterOf(handler).open)
  }
}
