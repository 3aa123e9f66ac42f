/** What people are told of a download: each event once, as a line of the log and in the metrics. */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import type { FlightPlan, FlightTools } from './plan.ts'

/** The reports of one download. */
export class FlightReport {
  /** Whose bytes they are: upstream and repository. */
  readonly origin: string
  readonly #log: Logger
  readonly #metrics: Metrics
  readonly #plan: FlightPlan
  #isCounted = false
  #resumes = 0

  constructor({ log, metrics }: Pick<FlightTools, 'log' | 'metrics'>, plan: FlightPlan) {
    this.origin = `${plan.upstream.name}/${plan.name}`
    this.#log = log
    this.#metrics = metrics
    this.#plan = plan
  }

  began(): void {
    this.#metrics.fetchesActive.inc()
  }

  ended(): void {
    this.#metrics.fetchesActive.dec()
  }

  received(bytes: number): void {
    const { digest, priority } = this.#plan
    this.#metrics.readMeter.pulled('blob', bytes)
    if (priority === 'prefetch') this.#metrics.readMeter.pulledAhead(digest, bytes)
  }

  stored(): void {
    this.#count('completed')
  }

  /** How often the download went on after it was interrupted. */
  get resumes(): number {
    return this.#resumes
  }

  /** An interrupted download goes on at `position`; without an error: from what an earlier one left. */
  resumed(error: UpstreamError | undefined, position: number): void {
    this.#resumes += 1
    this.#metrics.fetchResumes.inc()
    this.#log.info({ ...this.#fields, err: error, position }, 'fetch goes on')
  }

  /** What an earlier download left is of no use. */
  beganAgain(error: unknown): void {
    this.#log.warn({ ...this.#fields, err: error }, 'what was left of a fetch is of no use: beginning again')
  }

  /** The disk takes no more; each client gets what is missing from the upstream. */
  stopped(error: unknown, position: number): void {
    this.#count('uncached')
    this.#log.warn(
      { ...this.#fields, err: error, position },
      'cannot write to the store: passing the blob through, uncached',
    )
  }

  /** Every client has the whole already: the blob is merely not kept. */
  notStored(error: unknown): void {
    this.#count('failed')
    this.#log.error(
      { ...this.#fields, err: error },
      'fetched blob could not be stored: the next pull fetches it again',
    )
  }

  failed(error: unknown, position: number): void {
    const kind = error instanceof UpstreamError ? error.kind : undefined
    this.#count(kind === 'corrupt' ? 'corrupt' : 'failed')
    if (kind === 'corrupt') this.#metrics.corruptFetches.inc({ upstream: this.#plan.upstream.name })
    const level = kind === 'absent' ? 'debug' : 'error'
    this.#log[level]({ ...this.#fields, err: error, position }, 'fetch failed')
  }

  /** We ended it ourselves: a shutdown, or the last client left. */
  abandoned(position: number): void {
    this.#log.info({ ...this.#fields, position }, 'fetch ended: what is on disk stays for the next pull')
  }

  /** What is not kept may still fail on its way to the clients: it has ended once. */
  #count(outcome: 'completed' | 'failed' | 'corrupt' | 'uncached'): void {
    if (!this.#isCounted) this.#metrics.fetches.inc({ outcome })
    this.#isCounted = true
  }

  get #fields(): { readonly digest: string; readonly from: string } {
    return { digest: this.#plan.digest, from: this.origin }
  }
}
