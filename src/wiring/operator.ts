/** What an operator does with upstreams and jobs → the operations of the admin API. */
import type { Jobs } from '../admin/jobs.ts'
import { Upstreams, type UpstreamsOptions } from '../admin/upstreams.ts'
import type { Warm } from '../admin/warm.ts'
import type { JOB_OPERATIONS } from '../http/admin/operations/jobs.ts'
import type { UPSTREAM_OPERATIONS } from '../http/admin/operations/upstreams.ts'
import type { AdminHandlers } from '../http/admin/operations.ts'

/** What this works on. */
export interface OperatorTools extends UpstreamsOptions {
  readonly jobs: Jobs
  readonly warm: Warm
}

type Operated = Pick<AdminHandlers, keyof typeof UPSTREAM_OPERATIONS | keyof typeof JOB_OPERATIONS>

/** What does the work of the operations on upstreams and jobs. */
export const createOperatorHandlers = ({ jobs, warm, ...tools }: OperatorTools): Operated => {
  const upstreams = new Upstreams(tools)
  return {
    listUpstreams: () => ({ upstreams: upstreams.list() }),
    declareOutage: async ({ parameters, body }) => void upstreams.declareDown(parameters.name, body.for),
    endOutage: async ({ parameters }) => void upstreams.endOutage(parameters.name),
    warm: ({ body }) => warm.start(body.references, body.platforms),
    listJobs: () => ({ jobs: jobs.list() }),
    job: ({ parameters }) => jobs.find(parameters.id),
    cancelJob: async ({ parameters }) => void jobs.cancel(parameters.id),
  }
}
