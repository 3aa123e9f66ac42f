/** `cache` and `local`: what is kept of upstreams, and what was pushed here. entrepot's own sections. */
import { amount, duration, flag, glob, oneOf, size } from '../kinds.ts'
import { textLeaf, textOf } from '../leaf.ts'
import { listOf, section } from '../section.ts'
import type { Tree } from '../tree.ts'

const freshness = section({
  tags: listOf(glob).describe('Tags, as globs.'),
  for: duration.describe('How long they are fresh.'),
})

/** A bare duration is that of every tag. */
const expandFreshness = (node: unknown): unknown =>
  textOf(node as Tree) === undefined ? node : [{ tags: ['*'], for: node }]

const percent = textLeaf(
  '%',
  'a share such as 10%',
  (value) => {
    const share = /^(\d{1,3}) ?%$/.exec(value)?.[1]
    return share !== undefined && Number(share) <= 100 ? Number(share) : undefined
  },
  { format: (value) => `${value}%` },
)

/** Section `cache`. */
export const cache = section({
  freshness: listOf(freshness, expandFreshness)
    .default([])
    .describe(
      'How long a tag is served without asking its upstream: a duration, or a list of `{tags, for}` of which the first that fits counts. Unset or 0: asked every time.',
    ),
  maxsize: size.optional().describe('Most bytes of mirrored content; unset: as many as `minfree` leaves.'),
  minfree: amount
    .optional()
    .describe(
      'Free space that mirrored content leaves on its file system. Unset: 5% or 2GiB, whichever is more, at most half.',
    ),
  prefetch: flag.default(true).describe('Fetches the layers of a pulled image ahead of its client.'),
  keepgone: flag.default(false).describe('Serves on a tag that its upstream says is gone.'),
  abandon: flag.default(false).describe('Ends a download whose last client has left.'),
  watermark: percent
    .default(10)
    .describe(
      "Part of an upstream's pull limit that is kept for what is not cached: below it nothing is fetched ahead, and a cached tag is served as it was, for up to a day; 0%: never.",
    ),
})

const immutable = section(
  {
    repositories: listOf(glob).default(['**']).describe('Repositories, as globs.'),
    tags: listOf(glob).describe('Tags, as globs.'),
  },
  { expand: (node) => (textOf(node as Tree) === undefined ? node : { tags: [node] }) },
)

/** Section `local`. */
export const local = section({
  push: oneOf('anyone', 'accounts', 'off')
    .optional()
    .describe(
      'Who may push at all. Unset: `accounts` where `auth` is set, `anyone` without any upstream, else `off`.',
    ),
  repositories: listOf(glob)
    .default([])
    .describe('Repositories that are local in any case, as globs: never asked of an upstream.'),
  keepunnamed: duration
    .default(6 * 3_600_000)
    .describe(
      'How long a blob that no manifest names is kept after it was last pushed, mounted or asked for; 0: for ever.',
    ),
  immutabletags: listOf(immutable)
    .default([])
    .describe(
      'Tags that cannot be moved or deleted once pushed: globs, or a list of `{repositories, tags}`.',
    ),
})
