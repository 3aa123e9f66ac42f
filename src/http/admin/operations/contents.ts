/** What is stored: repositories, what they have, and what happens to it. */
import { z } from 'zod'
import { bytes, count, glob, repositoryName, tag, text, time } from '../kinds.ts'
import { declare } from '../operation.ts'
import { upstreamState } from './upstreams.ts'

/** Entries of a page where nobody says how many, and at most. */
const PAGE = 100
const MAX_PAGE = 1000

const pageSize = z.coerce
  .number()
  .int()
  .min(1)
  .max(MAX_PAGE)
  .default(PAGE)
  .meta({ description: 'Most entries of the page' })

const last = text.optional().meta({ description: '`next` of the page before: this one begins after it' })

const next = z.string().optional().meta({ description: 'Where there are more: `last` of the next page' })

const kind = z.enum(['mirrored', 'local', 'unclaimed']).meta({
  description:
    'mirrored: to be had again from its upstream; local: pushed here; unclaimed: on the volume from elsewhere, perhaps pushed',
})

const upstreamName = z.string().optional().meta({ description: 'Name of the upstream it is mirrored from' })

const pulls = count.meta({
  description: 'GETs of an image; for a tag, GETs by it or by the digest it was just said to stand for',
})

const ownBytes = bytes.meta({
  description: 'Bytes that a purge of it would free, or a little more: those that nothing else needs',
})

const storedBytes = bytes.meta({ description: 'Bytes that are stored of it and of what it needs' })

const repository = z.strictObject({
  name: z.string(),
  kind,
  upstream: upstreamName,
  tags: count,
  manifests: count,
  sizeBytes: bytes.meta({
    description: 'Bytes that are stored of it; what others have as well counts here, too',
  }),
  usedAt: time.optional(),
  pulls,
})

const tagEntry = z.strictObject({
  tag: z.string(),
  digest: z.string(),
  mediaType: z
    .string()
    .meta({ description: 'Empty where the manifest is not here, or not to be understood' }),
  platforms: z.array(z.string()).optional().meta({ description: 'Of an index, those that are here' }),
  sizeBytes: storedBytes,
  ownBytes,
  askedAt: time.optional().meta({ description: 'When the upstream was last asked for it' }),
  isFresh: z
    .boolean()
    .optional()
    .meta({ description: 'Whether it is served without asking: cache.freshness' }),
  usedAt: time.optional(),
  pulls,
  isPinned: z.boolean(),
})

const manifestEntry = z.strictObject({
  digest: z.string(),
  mediaType: z.string(),
  sizeBytes: storedBytes,
  ownBytes,
  usedAt: time.optional(),
  isPinned: z.boolean().meta({ description: 'By its digest' }),
  tags: z.array(z.string()),
})

const fetch = z.strictObject({
  digest: z.string(),
  repository: z.string().meta({ description: 'Its name at the upstream' }),
  upstream: z.string(),
  writtenBytes: bytes,
  sizeBytes: bytes.optional(),
  readers: count.meta({ description: 'Clients that read it just now' }),
  startedAt: time,
  resumes: count.meta({ description: 'Times it went on after it was interrupted' }),
})

const explanation = z.strictObject({
  reference: z.string(),
  repository: z.string().meta({ description: 'The name it is stored under' }),
  kind,
  upstream: upstreamName,
  upstreamName: z.string().optional().meta({ description: 'Its name at the upstream' }),
  verdict: z.enum(['hit', 'ask', 'miss', 'stale', 'local', 'refused']).meta({
    description:
      'hit: here; ask: here, and the upstream is asked whether it still holds; stale: here, and the upstream is not well; miss: fetched; local: pushed here, or nowhere; refused: by a rule',
  }),
  reasons: z.array(z.string()),
  digest: z.string().optional(),
  askedAt: time.optional(),
  freshUntil: time.optional(),
  isComplete: z.boolean().optional().meta({ description: 'Whether all that it names is here' }),
  missing: z.array(z.string()).optional().meta({ description: 'At most a hundred' }),
  isPinned: z.boolean(),
  upstreamState: upstreamState.optional(),
})

/** Operations that look, and refresh. */
export const CONTENTS_OPERATIONS = {
  listRepositories: declare({
    method: 'get',
    path: '/repositories',
    summary: 'The repositories that are stored here, page by page',
    description:
      'In the order of the catalog: component by component. A page may have fewer entries than asked for, or none, and a `next`: it has taken much looking.',
    parameters: z.strictObject({ n: pageSize, last, filter: glob.optional() }),
    answer: z.strictObject({ repositories: z.array(repository), next }),
  }),
  describeRepository: declare({
    method: 'get',
    path: '/contents',
    summary: 'What one repository has: tags and manifests',
    parameters: z.strictObject({ repository: repositoryName, n: pageSize.default(MAX_PAGE), last }),
    answer: z.strictObject({
      name: z.string(),
      kind,
      upstream: upstreamName,
      tags: z.array(tagEntry),
      next,
      manifests: z
        .array(manifestEntry)
        .meta({ description: 'Those of the tags, then others: at most a thousand' }),
      tagCount: count,
      manifestCount: count,
      sizeBytes: bytes,
    }),
    refusals: { 404: 'nothing of the repository is stored here' },
  }),
  explain: declare({
    method: 'get',
    path: '/explain',
    summary: 'What a pull of a reference would get, and why',
    parameters: z.strictObject({
      reference: text.meta({ description: 'As a client writes it', examples: ['alpine:3'] }),
      ns: text
        .optional()
        .meta({ description: 'The registry that the client says it means', examples: ['docker.io'] }),
    }),
    answer: explanation,
  }),
  listFetches: declare({
    method: 'get',
    path: '/fetches',
    summary: 'What is being fetched just now',
    answer: z.strictObject({ fetches: z.array(fetch) }),
  }),
  refresh: declare({
    method: 'post',
    path: '/refresh',
    summary: 'Asks the upstream now what a tag points at, and keeps that',
    body: z.strictObject({ repository: repositoryName, tag }),
    answer: z.strictObject({
      digest: z.string(),
      previousDigest: z.string().optional(),
      isChanged: z.boolean(),
    }),
    refusals: {
      404: 'the upstream has no such tag',
      409: 'the repository is local',
      429: 'the upstream has answered 429, or too many wrong passwords',
      502: 'the upstream does not answer, or nothing of use',
      504: 'the upstream takes too long',
    },
  }),
}
