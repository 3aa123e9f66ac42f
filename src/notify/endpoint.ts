/**
 * One web hook: a bounded queue and one worker that delivers in order. An event that is not taken is tried again without
 * end: a few times soon after one another, then (`threshold`) at intervals (`backoff`). Nobody ever waits for it, and
 * what it cannot take is dropped, the oldest first.
 */
import type { RegistryEvent } from './event.ts'
import { EventQueue, type QueueLimits } from './event-queue.ts'
import type { Poster } from './post.ts'
import { EndpointReport, type ReportTools } from './report.ts'

/** Most that waits for one endpoint: hours of a busy registry, in memory that does not matter. */
const QUEUE_LIMITS: QueueLimits = { events: 10_000, bytes: 32 * 1024 * 1024 }
/** Pause between two tries before `threshold` is reached, in milliseconds; distribution makes none. */
const RETRY_PAUSE_MS = 50

/** What an endpoint is told, and how patient we are with it. */
export interface EndpointSettings {
  readonly name: string
  /** Until an answer, in milliseconds. */
  readonly timeoutMs: number
  /** Failures in a row from which on tries are `backoffMs` apart. */
  readonly threshold: number
  readonly backoffMs: number
  readonly ignoredMediaTypes: ReadonlySet<string>
  readonly ignoredActions: ReadonlySet<RegistryEvent['action']>
}

/** What an endpoint works with. */
export interface EndpointTools extends ReportTools {
  readonly poster: Poster
  /** Resolves after `ms`; rejects when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly limits?: QueueLimits
}

/** Whether an answer means that the event was taken, as distribution sees it. */
const isTaken = (status: number): boolean => status >= 200 && status < 400

/** A web hook. */
export class Endpoint {
  readonly #settings: EndpointSettings
  readonly #tools: EndpointTools
  readonly #report: EndpointReport
  readonly #queue: EventQueue
  readonly #end = new AbortController()
  #post: AbortController | undefined
  #working: Promise<void> | undefined
  #failures = 0
  #isClosed = false

  constructor(settings: EndpointSettings, tools: EndpointTools) {
    this.#settings = settings
    this.#tools = tools
    this.#report = new EndpointReport(settings.name, tools)
    this.#queue = new EventQueue(tools.limits ?? QUEUE_LIMITS)
  }

  /** Whether the endpoint is told of such events. */
  wants({ action, mediaType }: RegistryEvent): boolean {
    const { ignoredActions, ignoredMediaTypes } = this.#settings
    return !ignoredActions.has(action) && !(mediaType !== undefined && ignoredMediaTypes.has(mediaType))
  }

  /** Takes an event's body for delivery. */
  offer(body: string): void {
    if (this.#isClosed) return
    this.#report.queued()
    const dropped = this.#queue.push(body)
    if (dropped > 0) this.#report.dropped(dropped)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /**
   * Takes nothing more, and delivers what waits within `graceMs`, as long as the endpoint takes it. What is left then is
   * lost, as in distribution.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    const timer = setTimeout(() => this.#stop(), this.#failures > 0 ? 0 : graceMs)
    await this.#working
    clearTimeout(timer)
    await this.#tools.poster.close()
  }

  #stop(): void {
    this.#end.abort()
    this.#post?.abort(new Error('the server stops'))
  }

  /** Delivers until nothing waits. Never rejects. */
  async #work(): Promise<void> {
    for (let body = this.#queue.shift(); body !== undefined; body = this.#queue.shift())
      if (!(await this.#deliver(body))) return this.#report.lost(1 + this.#queue.length)
  }

  /** Tries until it is taken; `false` where the stop came before. */
  async #deliver(body: string): Promise<boolean> {
    const { signal } = this.#end
    while (!signal.aborted) {
      if (await this.#try(body)) return true
      await this.#tools.sleep(this.#pauseMs, signal).catch(() => {})
    }
    return false
  }

  get #pauseMs(): number {
    const { threshold, backoffMs } = this.#settings
    return this.#failures < threshold ? Math.min(RETRY_PAUSE_MS, backoffMs) : backoffMs
  }

  /** Never rejects. */
  async #try(body: string): Promise<boolean> {
    const { timeoutMs } = this.#settings
    const post = new AbortController()
    const timer = setTimeout(() => post.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    this.#post = post
    try {
      return this.#judge(await this.#tools.poster.post(body, post.signal))
    } catch (error) {
      this.#failures += 1
      this.#report.failed(error, this.#failures)
      return false
    } finally {
      clearTimeout(timer)
      this.#post = undefined
    }
  }

  #judge(status: number): boolean {
    this.#report.answered(status)
    if (isTaken(status)) {
      this.#report.delivered(this.#failures)
      this.#failures = 0
      return true
    }
    this.#failures += 1
    this.#report.refused(status, this.#failures)
    return false
  }
}
