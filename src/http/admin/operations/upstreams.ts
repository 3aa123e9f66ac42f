/** The upstreams, and the outage drill. */
import { z } from 'zod'
import { count, duration, text, time } from '../kinds.ts'
import { declare } from '../operation.ts'

/** How an upstream is, in a word. */
export const upstreamState = z.enum(['well', 'unwell', 'limited', 'refused', 'outage', 'unknown']).meta({
  description:
    'limited: it answered 429; refused: it does not take our account; outage: declared down; unknown: nothing asked yet',
})

/** How much an upstream still gives. */
export const rateLimit = z.strictObject({
  limit: count,
  remaining: count,
  windowS: count.optional().meta({ description: 'Window in seconds' }),
})

const upstream = z.strictObject({
  name: z.string(),
  host: z.string(),
  remoteurl: z.string(),
  hasCredentials: z.boolean(),
  state: upstreamState,
  lastError: z.string().optional(),
  lastErrorAt: time.optional(),
  limitedUntil: time.optional().meta({ description: 'Nothing that a 429 forbade is asked before' }),
  refusedCredentials: z.string().optional().meta({ description: 'Why it does not take our account' }),
  rateLimit: rateLimit
    .extend({
      source: z.string().optional().meta({ description: 'Whose budget it is: an address or an account' }),
      toldAt: time.optional(),
    })
    .optional()
    .meta({ description: 'As it last told; absent where it tells none' }),
  tokens: z.strictObject({ cached: count }),
  queue: z
    .strictObject({ requests: count, transfers: count })
    .optional()
    .meta({ description: 'How many wait for a place: short requests, and blobs' }),
  outageUntil: time.optional().meta({ description: 'Until when it is declared down' }),
})

const named = z.strictObject({
  name: text.meta({ description: 'Name of an upstream', examples: ['docker.io'] }),
})
const refusals = { 404: 'there is no such upstream' }

/** Operations on upstreams. */
export const UPSTREAM_OPERATIONS = {
  listUpstreams: declare({
    method: 'get',
    path: '/upstreams',
    summary: 'The upstreams, as far as is known without asking them',
    answer: z.strictObject({ upstreams: z.array(upstream) }),
  }),
  declareOutage: declare({
    method: 'put',
    path: '/upstreams/{name}/outage',
    summary: 'Treats an upstream as unreachable for a while: an outage drill',
    description:
      'It is not asked anything meanwhile. What is cached is served, what is not fails as in a real outage; transfers under way go on. It ends by itself, and with the server.',
    parameters: named,
    body: z.strictObject({ for: duration.meta({ description: 'How long: at most 24h', examples: ['10m'] }) }),
    refusals,
  }),
  endOutage: declare({
    method: 'delete',
    path: '/upstreams/{name}/outage',
    summary: 'Ends an outage drill, if there is one',
    parameters: named,
    refusals,
  }),
}
