/** What stays and what goes: purge, pins, garbage collection; and whether what stays is what it was. */
import { z } from 'zod'
import { bytes, count, digest, duration, glob, reference, repositoryName, tag, text } from '../kinds.ts'
import { declare } from '../operation.ts'
import { job } from './jobs.ts'

const READ_ONLY = 'the store is read-only: storage.maintenance.readonly'

const SELECTORS = ['repository', 'pattern', 'upstream', 'unusedFor', 'all'] as const

const purgeBody = z
  .strictObject({
    repository: repositoryName.optional(),
    tag: tag.optional().meta({ description: 'Of the repository' }),
    digest: digest.optional().meta({ description: 'A manifest of the repository, or a blob' }),
    pattern: glob.optional(),
    upstream: text.optional().meta({ description: 'Name or host of the upstream that it is mirrored from' }),
    unusedFor: duration
      .optional()
      .meta({ description: 'Only what was neither used nor fetched for so long' }),
    all: z.literal(true).optional().meta({ description: 'Everything that is mirrored' }),
    dryRun: z.boolean().default(false).meta({ description: 'Only tells what would go' }),
  })
  .superRefine((body, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message })
    if (!SELECTORS.some((selector) => body[selector] !== undefined))
      refuse(`say what is to go: ${SELECTORS.join(', ')}`)
    if (body.repository === undefined && (body.tag ?? body.digest) !== undefined)
      refuse('a tag or a digest needs its repository')
    if (body.tag !== undefined && body.digest !== undefined) refuse('a tag or a digest, not both')
  })

const purged = z.strictObject({
  isDryRun: z.boolean(),
  repositories: count.meta({ description: 'Repositories that lost something' }),
  tags: count,
  manifests: count,
  blobs: count.meta({ description: 'Layers and configs whose bytes went' }),
  bytes: bytes.meta({ description: 'All bytes that are free now' }),
  items: z
    .array(
      z.strictObject({ repository: z.string(), tag: z.string().optional(), digest: z.string().optional() }),
    )
    .meta({ description: 'At most a thousand' }),
})

const pin = z.strictObject({ repository: repositoryName, reference })

/** Operations on what stays and goes. */
export const KEEP_OPERATIONS = {
  purge: declare({
    method: 'post',
    path: '/purge',
    summary: 'Removes mirrored content: what fits all that is said',
    description:
      'Who is being served is not disturbed. What is pinned stays unless it is named itself, by tag or digest. With a tag go its manifest and what only that needs.',
    body: purgeBody,
    answer: purged,
    refusals: {
      404: 'nothing of that name is stored here',
      405: READ_ONLY,
      409: 'the repository is local, or another process works on the volume',
    },
  }),
  listPins: declare({
    method: 'get',
    path: '/pins',
    summary: 'What is pinned',
    parameters: z.strictObject({ repository: repositoryName.optional() }),
    answer: z.strictObject({
      pins: z.array(z.strictObject({ repository: z.string(), reference: z.string() })),
    }),
  }),
  pin: declare({
    method: 'put',
    path: '/pins',
    summary: 'Pins a tag or digest: it stays whatever the disk budget says',
    body: pin,
    refusals: { 409: 'the repository is local' },
  }),
  unpin: declare({
    method: 'delete',
    path: '/pins',
    summary: 'Unpins a tag or digest',
    body: pin,
  }),
  startGc: declare({
    method: 'post',
    path: '/gc',
    summary: 'Begins to collect garbage: what no repository and no manifest needs',
    description: 'It is done by itself as well. What was pushed or asked for of late stays.',
    body: z.strictObject({
      dryRun: z.boolean().default(false).meta({ description: 'Only counts what would go' }),
      untagged: z
        .boolean()
        .default(false)
        .meta({ description: 'Local manifests that no tag reaches go as well' }),
    }),
    status: 202,
    answer: job,
    refusals: { 405: READ_ONLY, 409: 'one runs already' },
  }),
  startScrub: declare({
    method: 'post',
    path: '/scrub',
    summary: 'Begins to verify everything that is stored, and repairs what is not what it was',
    description:
      'It is done slowly by itself as well. Here it goes as fast as it can without being in the way of clients.',
    status: 202,
    answer: job,
    refusals: { 409: 'one runs already' },
  }),
}
