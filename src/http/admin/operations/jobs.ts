/** Work in the background: what runs, what has run, and its end. */
import { z } from 'zod'
import { bytes, count, text, time } from '../kinds.ts'
import { declare } from '../operation.ts'

const progress = z.strictObject({
  done: count,
  total: count.optional().meta({ description: 'Of how many; absent until that is known' }),
  bytes,
  totalBytes: bytes.optional(),
})

const item = z.strictObject({
  name: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'skipped']),
  error: z.string().optional().meta({ description: 'Why it failed, was skipped, or waits' }),
})

/** A job. */
export const job = z.strictObject({
  id: z.string(),
  kind: z.enum(['warm', 'scrub', 'gc']),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  startedAt: time,
  endedAt: time.optional(),
  progress,
  result: z.unknown().optional().meta({ description: 'What it came to' }),
  error: z.string().optional(),
  items: z.array(item).optional().meta({ description: 'Parts of it, at most 1000' }),
})

const byId = z.strictObject({ id: text.meta({ description: 'Id of a job', examples: ['0123456789ab'] }) })
const refusals = { 404: 'there is no such job, or it was too long ago' }

/** Operations on jobs. */
export const JOB_OPERATIONS = {
  listJobs: declare({
    method: 'get',
    path: '/jobs',
    summary: 'The last hundred jobs, the newest first, without their parts',
    answer: z.strictObject({ jobs: z.array(job) }),
  }),
  job: declare({
    method: 'get',
    path: '/jobs/{id}',
    summary: 'A job with its progress and its parts',
    parameters: byId,
    answer: job,
    refusals,
  }),
  cancelJob: declare({
    method: 'delete',
    path: '/jobs/{id}',
    summary: 'Ends a job that runs',
    parameters: byId,
    refusals,
  }),
}
