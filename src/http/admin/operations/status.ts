/** How the server is, in figures that name no repository. */
import { z } from 'zod'
import { bytes, count, ratio, time } from '../kinds.ts'
import { declare } from '../operation.ts'
import { rateLimit, upstreamState } from './upstreams.ts'

const upstream = z.strictObject({
  name: z.string(),
  host: z.string(),
  state: upstreamState,
  rateLimit: rateLimit.optional(),
})

const cache = z.strictObject({
  sizeBytes: bytes.optional().meta({ description: 'Mirrored content; absent until it was counted' }),
  limitBytes: bytes.optional().meta({ description: 'cache.maxsize' }),
  freeBytes: bytes.optional().meta({ description: 'Free on the file system of the store' }),
  totalBytes: bytes.optional().meta({ description: 'Size of the file system of the store' }),
  minFreeBytes: bytes.optional().meta({ description: 'What is left free: cache.minfree' }),
  evictedBytes: bytes.meta({ description: 'Evicted since the start' }),
})

const traffic = z.strictObject({
  hits: count.meta({ description: 'Reads of mirrored content answered from the store, since the start' }),
  misses: count.meta({ description: 'Reads of mirrored content that asked an upstream, since the start' }),
  hitRatio: ratio.optional().meta({ description: 'Hits of all reads; absent before the first' }),
  hitRatioBytes: ratio.optional().meta({
    description: 'Bytes that no upstream had to send, of all mirrored bytes sent to clients since the start',
  }),
  toClientsBytes: bytes.meta({ description: 'Sent to clients since the start' }),
  fromUpstreamBytes: bytes.meta({ description: 'Received from upstreams since the start' }),
  savedBytes: bytes.meta({
    description: 'Sent to clients without an upstream, ever since the volume is used',
  }),
})

/** Operations on the server as a whole. */
export const STATUS_OPERATIONS = {
  status: declare({
    method: 'get',
    path: '/status',
    access: 'open',
    summary: 'How the server is, in figures that name no repository',
    answer: z.strictObject({
      version: z.string(),
      startedAt: time,
      cache,
      traffic,
      fetches: z.strictObject({ active: count }),
      upstreams: z.array(upstream),
    }),
  }),
}
