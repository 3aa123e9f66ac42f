/**
 * Work that an operator asked for and does not wait for, with how far it is:
 *
 *     running ──> done        it came to its end; items of it may have failed
 *        ├──────> failed      it threw
 *        └──────> cancelled   an operator or the end of the server ended it
 *
 * Whoever does the work holds a {@link Job} and writes into it; everybody else reads {@link Job.report}.
 */
import type { JOB_KINDS, JOB_OUTCOMES } from '../observe/table/jobs.ts'

/** What is done. */
export type JobKind = (typeof JOB_KINDS)[number]

/** How it is. */
export type JobState = 'running' | (typeof JOB_OUTCOMES)[number]

/** How far it is: things done, and bytes of them. A total is there once it is known. */
export interface JobProgress {
  done: number
  total?: number
  bytes: number
  totalBytes?: number
}

/** How a part of a job is. */
export type JobItemState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped'

/** A part of a job that is told of by name, as long as there are not too many. */
export interface JobItem {
  readonly name: string
  state: JobItemState
  /** Why it failed or was skipped, said for people. */
  error?: string
}

/** A job as it is told of (JSON). Times are ISO 8601. */
export interface JobReport {
  readonly id: string
  readonly kind: JobKind
  readonly state: JobState
  readonly startedAt: string
  readonly endedAt?: string
  readonly progress: Readonly<JobProgress>
  /** What the work came to, once it is done. */
  readonly result?: unknown
  /** Why it failed, said for people. */
  readonly error?: string
  readonly items?: readonly Readonly<JobItem>[]
}

/** Does the work of a job; what it resolves to is the job's result, any JSON. */
export type JobWork = (job: Job) => Promise<unknown>

/** Most parts of a job that are kept to be told of. */
const MAX_ITEMS = 1_000

const toText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const toTime = (atMs: number): string => new Date(atMs).toISOString()

/** The figures of this moment, also of what counts only while it is looked at. */
const copyOf = ({ done, total, bytes, totalBytes }: JobProgress): JobProgress => ({
  done,
  bytes,
  ...(total !== undefined && { total }),
  ...(totalBytes !== undefined && { totalBytes }),
})

/** One job, from its start on. */
export class Job {
  readonly id: string
  readonly kind: JobKind
  /** Written by whoever does the work, or put in its place by something that counts by itself. */
  progress: JobProgress = { done: 0, bytes: 0 }
  readonly #startedAtMs: number
  readonly #items: JobItem[] = []
  readonly #cancel = new AbortController()
  #state: JobState = 'running'
  #endedAtMs: number | undefined
  #result: unknown
  #error: string | undefined

  constructor(id: string, kind: JobKind, startedAtMs: number) {
    this.id = id
    this.kind = kind
    this.#startedAtMs = startedAtMs
  }

  /** Aborted when the job is cancelled: the work ends soon after, by rejecting. */
  get signal(): AbortSignal {
    return this.#cancel.signal
  }

  get state(): JobState {
    return this.#state
  }

  /** Adds a part that is told of; beyond a bound it is kept by its owner alone. */
  addItem(name: string): JobItem {
    const item: JobItem = { name, state: 'waiting' }
    if (this.#items.length < MAX_ITEMS) this.#items.push(item)
    return item
  }

  /** Ends the work. @param reason what it rejects with */
  cancel(reason: Error): void {
    this.#cancel.abort(reason)
  }

  /** Does the work, and never rejects. @param now milliseconds since the epoch */
  async run(work: JobWork, now: () => number): Promise<void> {
    try {
      this.signal.throwIfAborted()
      this.#result = await work(this)
      this.#state = 'done'
    } catch (error) {
      this.#state = this.signal.aborted ? 'cancelled' : 'failed'
      this.#error = toText(error)
    }
    this.#endedAtMs = now()
  }

  /** The job as JSON. @param hasItems whether its parts are told, too */
  report(hasItems: boolean): JobReport {
    return {
      id: this.id,
      kind: this.kind,
      state: this.#state,
      startedAt: toTime(this.#startedAtMs),
      ...(this.#endedAtMs !== undefined && { endedAt: toTime(this.#endedAtMs) }),
      progress: copyOf(this.progress),
      ...(this.#result !== undefined && { result: this.#result }),
      ...(this.#error !== undefined && { error: this.#error }),
      ...(hasItems && this.#items.length > 0 && { items: this.#items.map((item) => ({ ...item })) }),
    }
  }
}
