/** Warm-ups as jobs: what an operator orders, and what the configuration lists. */
import type { Platform } from '../protocol/manifest.ts'
import type { JobReport } from './job.ts'
import type { Jobs } from './jobs.ts'
import { WarmJob, type WarmResult, type WarmTools } from './warm-job.ts'
import { parseWarmReference } from './warm-reference.ts'

/** What warm-ups are started with. */
export interface WarmOptions extends WarmTools {
  readonly jobs: Jobs
  /** Where none are asked for. */
  readonly platforms: readonly Platform[]
}

/** Starts warm-ups. */
export class Warm {
  readonly #options: WarmOptions

  constructor(options: WarmOptions) {
    this.#options = options
  }

  /**
   * Starts a job.
   * @param references lines as `warm-reference` reads them
   * @param platforms those of the configuration by default
   * @throws RegistryError for a line that is none, or too many jobs
   */
  start(references: readonly string[], platforms = this.#options.platforms): JobReport {
    const lines = references.map(parseWarmReference)
    return this.#options.jobs.start('warm', (job) => new WarmJob(this.#options, job, platforms).run(lines))
  }

  /** Runs a job to its end. @throws what `start` does, and what the job fails or is cancelled with */
  run(references: readonly string[]): Promise<WarmResult> {
    const lines = references.map(parseWarmReference)
    return new Promise((resolve, reject) => {
      this.#options.jobs.start('warm', async (job) => {
        const running = new WarmJob(this.#options, job, this.#options.platforms).run(lines)
        running.then(resolve, reject)
        return running
      })
    })
  }
}
