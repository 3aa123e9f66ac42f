/** Work in the background: what runs, what has run, and its end. */
import { z } from 'zod'
import type { Platform } from '../../../protocol/manifest.ts'
import { parsePlatform } from '../../../protocol/platform.ts'
import { bytes, count, text, time } from '../kinds.ts'
import { declare } from '../operation.ts'

const progress = z.strictObject({
  done: count,
  total: count.optional().meta({ description: 'Of how many; absent until that is known' }),
  bytes,
  totalBytes: bytes.optional(),
})

const platform = text
  .transform((value, context): Platform => {
    const read = parsePlatform(value)
    if (read !== undefined) return read
    context.addIssue({ code: 'custom', message: 'is no platform such as linux/amd64 or linux/arm/v7' })
    return z.NEVER
  })
  .meta({ description: 'A platform', examples: ['linux/arm64'] })

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

/** Most lines of one order. */
const MAX_REFERENCES = 1_000
/** Far more than there are. */
const MAX_PLATFORMS = 50

/** Operations on jobs. */
export const JOB_OPERATIONS = {
  warm: declare({
    method: 'post',
    path: '/warm',
    summary: 'Fetches images ahead of their clients, in the background',
    description:
      'What is here is not fetched. Clients go first. Below cache.watermark, and while an upstream answers 429, it waits. A tag may be a glob.',
    body: z.strictObject({
      references: z
        .array(text)
        .min(1)
        .max(MAX_REFERENCES)
        .meta({
          description: 'Images, as a client writes them',
          examples: [['alpine:3', 'ghcr.io/org/app:v*']],
        }),
      platforms: z
        .array(platform)
        .min(1)
        .max(MAX_PLATFORMS)
        .optional()
        .meta({ description: 'Of an index; those of warm.platforms by default' }),
    }),
    status: 202,
    answer: job,
    refusals: { 409: 'as many warm-ups run as may' },
  }),
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
