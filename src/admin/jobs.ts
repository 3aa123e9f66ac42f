/**
 * The jobs of this server: started by an operator or by a schedule, done in the background, looked at and cancelled by
 * their id, ended with the server. The last hundred are kept to be looked at.
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { RegistryError } from '../protocol/error.ts'
import { Job, type JobKind, type JobReport, type JobWork } from './job.ts'

/** Jobs that are kept, those that run among them. */
const MAX_KEPT = 100

/** Jobs of a kind at once: what goes through the whole store goes through it once at a time. */
const MAX_RUNNING: Readonly<Record<JobKind, number>> = { warm: 8, scrub: 1, gc: 1 }

/** Random bytes of an id: enough that none comes again among those that are kept. */
const ID_BYTES = 6

/** What jobs work with. */
export interface JobsOptions {
  readonly metrics: Pick<Metrics, 'jobsRunning' | 'jobs'>
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const unknown = (id: string): RegistryError =>
  new RegistryError('NAME_UNKNOWN', { message: `there is no job ${id}: the last ${MAX_KEPT} are kept` })

/** Starts jobs and keeps them. */
export class Jobs {
  readonly #options: JobsOptions
  readonly #byId = new Map<string, Job>()
  readonly #underWay = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: JobsOptions) {
    this.#options = options
  }

  /**
   * Starts a job.
   * @throws RegistryError `DENIED` with 409 where as many of its kind run as may; `UNAVAILABLE` once the server stops
   */
  start(kind: JobKind, work: JobWork): JobReport {
    if (this.#isClosed) throw new RegistryError('UNAVAILABLE', { message: 'the server stops' })
    const running = this.#running(kind)
    if (running.length >= MAX_RUNNING[kind])
      throw new RegistryError('DENIED', {
        status: 409,
        message: `${kind} runs already as job ${running[0]?.id}: wait for it, or cancel it`,
      })
    const job = new Job(randomBytes(ID_BYTES).toString('hex'), kind, this.#options.now())
    this.#byId.set(job.id, job)
    this.#forgetOldest()
    const run = this.#run(job, work)
    this.#underWay.add(run)
    void run.then(() => this.#underWay.delete(run))
    return job.report(true)
  }

  /** All that are kept, the newest first, without their parts. */
  list(): JobReport[] {
    return [...this.#byId.values()].reverse().map((job) => job.report(false))
  }

  /** One with its parts. @throws RegistryError `NAME_UNKNOWN` */
  find(id: string): JobReport {
    const job = this.#byId.get(id)
    if (job === undefined) throw unknown(id)
    return job.report(true)
  }

  /** Ends one; one that has ended stays as it is. @throws RegistryError `NAME_UNKNOWN` */
  cancel(id: string): void {
    const job = this.#byId.get(id)
    if (job === undefined) throw unknown(id)
    job.cancel(new Error('cancelled by an operator'))
  }

  /** Ends all, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const job of this.#byId.values()) job.cancel(new Error('the server stops'))
    await Promise.all(this.#underWay)
  }

  async #run(job: Job, work: JobWork): Promise<void> {
    const { metrics, log, now } = this.#options
    const { id, kind } = job
    metrics.jobsRunning.set({ kind }, this.#running(kind).length)
    // Whoever asked has the id before the work begins.
    await Promise.resolve()
    await job.run(work, now)
    metrics.jobsRunning.set({ kind }, this.#running(kind).length)
    if (job.state === 'running') return
    metrics.jobs.inc({ kind, outcome: job.state })
    const { progress, error } = job.report(false)
    log[job.state === 'failed' ? 'warn' : 'info']({ job: id, ...progress, error }, `${kind} ${job.state}`)
  }

  #running(kind: JobKind): Job[] {
    return [...this.#byId.values()].filter((job) => job.kind === kind && job.state === 'running')
  }

  #forgetOldest(): void {
    for (const [id, job] of this.#byId) {
      if (this.#byId.size <= MAX_KEPT) return
      if (job.state !== 'running') this.#byId.delete(id)
    }
  }
}
