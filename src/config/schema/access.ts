/** `access`, `admin`, `warm`: who may do what, the operator's door, and what is fetched ahead. entrepot's own sections. */

import { DURATION_FORM, formatDuration, parseDuration } from '../../duration.ts'
import { flag, glob, network, oneOf, secret, text } from '../kinds.ts'
import { leaf, textLeaf, textOf } from '../leaf.ts'
import { listOf, mapOf, section } from '../section.ts'

const actions = listOf(oneOf('pull', 'push', 'delete'))

const rule = section({
  who: listOf(text).describe(
    'Whom it is about: `anyone`, `anonymous` (no account), `accounts` (any account), an account, or `group:` and its name.',
  ),
  may: actions.optional().describe('What they may do.'),
  maynot: actions.optional().describe('What they may not; a rule has `may` or `maynot`.'),
  repositories: listOf(glob).default(['**']).describe('Where, as globs.'),
  content: listOf(oneOf('mirrored', 'local', 'private'))
    .default(['mirrored', 'local'])
    .describe(
      'Which kind of repository. `private` is what an upstream shows only to the account configured for it: without this word no rule gives it to anonymous.',
    ),
})

/** What `access: mirror` stands for: anyone pulls what is mirrored, accounts do what they like with what is local. */
const MIRROR_RULES = [
  { who: 'anyone', may: 'pull', content: 'mirrored' },
  { who: 'accounts', may: ['pull', 'push', 'delete'], content: ['mirrored', 'local', 'private'] },
]

const rules = listOf(rule, (node) => (node === 'mirror' ? MIRROR_RULES : node))

/** Section `access`; a bare `mirror` or a bare list stands for its `rules`. */
export const access = section(
  {
    groups: mapOf(listOf(text)).default({}).describe('Groups: name → accounts.'),
    rules: rules.describe(
      'The first rule that fits who, what and where decides; none: refused. `mirror` stands for two of them.',
    ),
  },
  { expand: (node) => (node === 'mirror' || Array.isArray(node) ? { rules: node } : node) },
)

/** Section `admin`. */
export const admin = section({
  users: listOf(text).default([]).describe('Accounts of `auth.htpasswd` that may make admin calls.'),
  token: secret
    .optional()
    .describe('Token for admin calls; unset: one is made at first start, in a file of the store.'),
  insecure: flag
    .default(false)
    .describe(
      'Takes admin calls on a plain listener that is not loopback: passwords then travel unencrypted.',
    ),
})

const platform = textLeaf('platform', 'a platform such as linux/amd64 or linux/arm/v7', (value) =>
  /^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/.test(value) ? value : undefined,
)

const SCHEDULE_FORM = `${DURATION_FORM}, or a list of times of day such as [03:30, 15:30]`

/** How often: milliseconds between two runs, or times of day (`HH:MM`, local time). */
export type Schedule = number | readonly string[]

const schedule = leaf<Schedule>({
  name: 'schedule',
  form: SCHEDULE_FORM,
  read: (node) => {
    const times = (Array.isArray(node) ? node : [node]).map((each) => textOf(each) ?? '')
    if (times.length > 0 && times.every((time) => /^([01]\d|2[0-3]):[0-5]\d$/.test(time))) return times
    const everyMs = Array.isArray(node) ? undefined : parseDuration(textOf(node) ?? '')
    return everyMs === 0 ? undefined : everyMs
  },
  format: (value) => (typeof value === 'number' ? formatDuration(value) : value),
})

const DAY_MS = 86_400_000

/** Section `warm`. */
export const warm = section({
  references: listOf(text)
    .default([])
    .describe('Images to keep fetched: `library/alpine:3`, `ghcr.io/org/app:v*`; a tag may be a glob.'),
  platforms: listOf(platform).default(['linux/amd64']).describe('Platforms of them.'),
  schedule: schedule.default(DAY_MS).describe('How often they are looked at: a duration, or times of day.'),
})

/** Key `trustedproxies`. */
export const trustedproxies = listOf(network)
