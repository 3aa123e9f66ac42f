/** What is done in the background on an operator's order or by a schedule. */
import type { Make } from '../make.ts'

/** What is done. */
export const JOB_KINDS = ['warm', 'scrub', 'gc'] as const

/** How it ended. */
export const JOB_OUTCOMES = ['done', 'failed', 'cancelled'] as const

/** Makes them. */
export const jobMetrics = ({ counter, gauge }: Make) => ({
  jobsRunning: gauge('entrepot_jobs_running', 'Background jobs in progress, by kind', { kind: JOB_KINDS }),
  jobs: counter('entrepot_jobs_total', 'Background jobs that ended, by kind and outcome', {
    kind: JOB_KINDS,
    outcome: JOB_OUTCOMES,
  }),
})
