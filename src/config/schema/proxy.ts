/** `proxy` and `validation`: the default upstream, and what a pushed manifest must be. distribution's sections. */
import { baseUrl, flag, goDuration, oneOf, path, secret, text } from '../kinds.ts'
import { textLeaf } from '../leaf.ts'
import { listOf, section } from '../section.ts'

const DEFAULT_TTL_MS = 168 * 3_600_000

/** Section `proxy`. */
export const proxy = section({
  remoteurl: baseUrl
    .optional()
    .describe(
      'Base URL of the default upstream; set, entrepot is a mirror of it: `https://registry-1.docker.io`.',
    ),
  username: text.optional().describe('Account at the upstream.'),
  password: secret.optional().describe('Its password or access token.'),
  exec: section({
    command: path.describe(
      'Program that gives the account, instead of `username` and `password`: run as `<command> get`, in the protocol of docker-credential-helpers.',
    ),
    lifetime: goDuration
      .optional()
      .describe('How long its answer is good; 0: it is run each time, unset: once.'),
  })
    .optional()
    .describe('Account from a program.'),
  ttl: goDuration
    .default(DEFAULT_TTL_MS)
    .describe('Time after its last use at which mirrored content is dropped; 0 and less: never.'),
  cachewritetimeout: goDuration.default(5 * 60_000).meta({
    description: 'Time that writing a blob may take.',
    instead: 'limits.stall ends a download that stands still',
  }),
})

const regex = textLeaf('regular expression', 'a regular expression', (value) => {
  try {
    new RegExp(value)
    return value
  } catch {
    return undefined
  }
})

/** Section `validation`. */
export const validation = section({
  disabled: flag
    .default(false)
    .describe('Takes manifests whose blobs, children or URLs are not as they should be.'),
  enabled: flag.optional().describe('Old spelling: the opposite of `disabled`.'),
  manifests: section({
    urls: section({
      allow: listOf(regex)
        .default([])
        .describe('URLs that foreign layers may have; the expression matches anywhere.'),
      deny: listOf(regex).default([]).describe('URLs that they must not have.'),
    })
      .prefault({})
      .describe('URLs of foreign layers. Neither list set: any.'),
    indexes: section({
      platforms: oneOf('all', 'none', 'list')
        .default('all')
        .describe('Which manifests of a pushed index must be there.'),
      platformlist: listOf(
        section({ os: text.describe('Operating system.'), architecture: text.describe('Architecture.') }),
      )
        .default([])
        .describe('With `list`: those of these platforms.'),
    })
      .prefault({})
      .describe('Children of an index.'),
  })
    .prefault({})
    .describe('Manifests.'),
})
