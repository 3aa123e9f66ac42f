/** What people are told of an endpoint: each event once in the metrics, and in the log what they should look at. */
import { STATUS_CODES } from 'node:http'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'

/** How often a loss is logged at most, in milliseconds: events are lost in thousands. */
const LOSS_LOG_EVERY_MS = 60_000

/** What a report is made with. */
export interface ReportTools {
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const TYPES = ['Events', 'Successes', 'Failures', 'Errors'] as const

/** A status as distribution counts it: `200 OK`. */
const formatStatus = (status: number): string => `${status} ${STATUS_CODES[status] ?? ''}`.trim()

/** The reports of one endpoint. */
export class EndpointReport {
  readonly #endpoint: string
  readonly #tools: ReportTools
  #unloggedLosses = 0
  #lossLoggedAtMs = Number.NEGATIVE_INFINITY

  constructor(endpoint: string, tools: ReportTools) {
    this.#endpoint = endpoint
    this.#tools = tools
    const { notificationEvents, notificationsPending, notificationsDropped } = tools.metrics
    for (const type of TYPES) notificationEvents.series({ type, endpoint })
    notificationsPending.series({ endpoint })
    notificationsDropped.series({ endpoint })
  }

  /** An event is to be delivered. */
  queued(): void {
    this.#count('Events')
    this.#addPending(1)
  }

  /** Events gave way to newer ones. */
  dropped(count: number): void {
    const { log, metrics, now } = this.#tools
    const endpoint = this.#endpoint
    metrics.notificationsDropped.series({ endpoint }).value += count
    this.#addPending(-count)
    this.#unloggedLosses += count
    if (now() - this.#lossLoggedAtMs < LOSS_LOG_EVERY_MS) return
    const events = this.#unloggedLosses
    log.error({ endpoint, events }, 'too many notifications wait for the endpoint: the oldest are lost')
    this.#unloggedLosses = 0
    this.#lossLoggedAtMs = now()
  }

  /** The endpoint answered, whatever it said. */
  answered(status: number): void {
    this.#tools.metrics.notificationStatus.inc({ code: formatStatus(status), endpoint: this.#endpoint })
  }

  /** An event was taken, after so many failures. */
  delivered(failures: number): void {
    this.#count('Successes')
    this.#addPending(-1)
    if (failures > 0)
      this.#tools.log.info({ endpoint: this.#endpoint, failures }, 'endpoint takes notifications again')
  }

  /** The endpoint answered otherwise. */
  refused(status: number, failures: number): void {
    this.#count('Failures')
    this.#logFailure(new Error(`the endpoint answered ${formatStatus(status)}`), failures)
  }

  /** No answer came. */
  failed(error: unknown, failures: number): void {
    this.#count('Errors')
    this.#logFailure(error, failures)
  }

  /** The stop came before these were delivered. */
  lost(events: number): void {
    this.#tools.log.warn(
      { endpoint: this.#endpoint, events },
      'notifications not delivered before the stop: they are lost',
    )
  }

  /** Once, and not for each of the tries that follow. */
  #logFailure(error: unknown, failures: number): void {
    if (failures > 1) return
    this.#tools.log.warn(
      { err: error, endpoint: this.#endpoint },
      'notification not taken: tried again until it is, and the others wait',
    )
  }

  #count(type: (typeof TYPES)[number]): void {
    this.#tools.metrics.notificationEvents.series({ type, endpoint: this.#endpoint }).value += 1
  }

  #addPending(count: number): void {
    this.#tools.metrics.notificationsPending.series({ endpoint: this.#endpoint }).value += count
  }
}
