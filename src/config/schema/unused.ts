/**
 * Sections of distribution's that entrepot has no use for, and those that it refuses: `redis`, `policy`, `middleware`,
 * and of 2.x `reporting` and `compatibility`.
 */
import { anything, flag, text } from '../kinds.ts'
import { listOf, mapOf, section } from '../section.ts'

const REDIS_KEYS = [
  ...['addr', 'clientname', 'connmaxidletime', 'connmaxlifetime', 'contexttimeoutenabled', 'db'],
  ...['dialtimeout', 'disableidentity', 'disableindentity', 'identitysuffix', 'mastername', 'maxactiveconns'],
  ...['maxidleconns', 'maxredirects', 'maxretries', 'maxretrybackoff', 'minidleconns', 'minretrybackoff'],
  ...[
    'network',
    'password',
    'pool',
    'poolfifo',
    'poolsize',
    'pooltimeout',
    'protocol',
    'readonly',
    'readtimeout',
  ],
  ...['routebylatency', 'routerandomly', 'sentinelpassword', 'sentinelusername', 'tls', 'unstableresp3'],
  ...['username', 'writetimeout'],
] as const

/** Section `redis`. */
export const redis = section({
  addrs: listOf(text).optional(),
  ...Object.fromEntries(REDIS_KEYS.map((key) => [key, anything.optional()])),
})
  .optional()
  .meta({ description: 'Cache of descriptors in Redis.', instead: 'descriptors are cached in memory' })

/** Section `policy`. */
export const policy = section({
  repository: section({ classes: listOf(text).default([]).describe('Classes of repositories.') }).optional(),
})
  .optional()
  .meta({
    description: 'Kinds of artifacts that are let in.',
    instead: 'every kind of artifact is taken; say in access who may push where',
  })

const middlewares = listOf(
  section({
    name: text.describe('Name.'),
    disabled: flag.default(false).describe('Turns it off.'),
    options: mapOf(anything).optional().describe('Its options.'),
  }),
).default([])

const refused = 'entrepot loads no middleware: what it would do would be missing'

/** Section `middleware`. */
export const middleware = section({
  registry: middlewares.meta({ description: 'Around the registry.', refused }),
  repository: middlewares.meta({ description: 'Around repositories.', refused }),
  storage: middlewares.meta({ description: 'Around the storage: a CDN in front, for one.', refused }),
})

/** Section `reporting` of 2.x. */
export const reporting = section({ bugsnag: anything.optional(), newrelic: anything.optional() })
  .optional()
  .meta({
    description: 'Error reports to a service.',
    instead: 'nothing is sent; read the log, scrape the metrics',
  })

/** Section `compatibility` of 2.x. */
export const compatibility = section({
  schema1: section({
    enabled: anything.optional(),
    signingkeyfile: anything.optional(),
    trustkey: anything.optional(),
  }).optional(),
})
  .optional()
  .meta({
    description: 'Manifests of schema 1.',
    instead: 'schema 1 is passed on from an upstream and never taken in a push',
  })
