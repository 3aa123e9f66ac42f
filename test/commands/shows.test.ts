/** Answers of the server as people see them. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { showExplanation } from '../../src/commands/explain.ts'
import { showPurge } from '../../src/commands/purge.ts'
import { showStatus } from '../../src/commands/status.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const GIB = 2 ** 30

it('a status shows the budget, the traffic, and each upstream with what it still grants', () => {
  const status = {
    version: '1.2.3',
    startedAt: '2026-05-29T08:00:00Z',
    cache: {
      sizeBytes: 5 * GIB,
      limitBytes: 20 * GIB,
      freeBytes: 30 * GIB,
      totalBytes: 100 * GIB,
      minFreeBytes: GIB,
      evictedBytes: 0,
    },
    traffic: {
      hits: 9,
      misses: 1,
      hitRatio: 0.9,
      hitRatioBytes: 0.95,
      toClientsBytes: 20 * GIB,
      fromUpstreamBytes: GIB,
      savedBytes: 19 * GIB,
    },
    fetches: { active: 2 },
    upstreams: [
      {
        name: 'docker.io',
        host: 'docker.io',
        state: 'well',
        rateLimit: { limit: 100, remaining: 87, windowS: 21600 },
      },
      { name: 'ghcr.io', host: 'ghcr.io', state: 'unknown' },
    ],
  }
  assert.equal(
    showStatus(status, NOW),
    `entrepot 1.2.3, up for 3 d 4 h
cache     5.00 GiB of 20.0 GiB (25.0 %), 0 B evicted so far
disk      30.0 GiB free of 100 GiB, 1.00 GiB are kept free
reads     9 hits, 1 miss: 90.0 % of requests, 95.0 % of bytes
bytes     20.0 GiB to clients, 1.00 GiB from upstreams, 19.0 GiB saved
fetches   2 under way

UPSTREAM   HOST       STATE    RATE LIMIT
docker.io  docker.io  well     87 of 100 left in 6 h
ghcr.io    ghcr.io    unknown  unknown
`,
  )
  const fresh = {
    ...status,
    cache: { limitBytes: GIB, minFreeBytes: 0, evictedBytes: 0 },
    traffic: { hits: 0, misses: 0, toClientsBytes: 0, fromUpstreamBytes: 0, savedBytes: 0 },
    upstreams: [],
  }
  assert.match(
    showStatus(fresh, NOW),
    /\ncache {5}not counted yet of 1\.00 GiB, 0 B evicted so far\nreads {5}0 hits, 0 misses\nbytes .*\nfetches .*\n$/,
  )
})

it('an explanation has a line for each thing that is known', () => {
  const answer = {
    reference: 'alpine:3',
    repository: 'library/alpine',
    kind: 'mirrored',
    upstream: 'docker.io',
    upstreamName: 'library/alpine',
    upstreamState: 'well',
    verdict: 'hit',
    reasons: ['it is fresh'],
    digest: 'sha256:00',
    askedAt: '2026-06-01T11:58:00Z',
    freshUntil: '2026-06-01T12:10:00Z',
    isComplete: false,
    missing: ['sha256:11'],
    isPinned: true,
  }
  assert.equal(
    showExplanation(answer, NOW),
    `alpine:3: hit
  it is fresh
repository  library/alpine, mirrored
upstream    docker.io, there library/alpine (well)
digest      sha256:00
asked       2 min ago
fresh       until 10 min from now
complete    no, 1 blob missing
pinned      yes
missing     sha256:11
`,
  )
  const stale = { ...answer, freshUntil: '2026-06-01T11:00:00Z', isComplete: true, missing: [] }
  assert.match(showExplanation(stale, NOW), /fresh {7}no longer since 1 h ago\ncomplete {4}yes\n/)
})

it('a purge that is only looked at shows the first of what would go', () => {
  const items = Array.from({ length: 1000 }, (_, index) => ({ repository: `r${index}`, tag: 't' }))
  const sum = { repositories: 1000, tags: 1000, manifests: 0, blobs: 1, bytes: 0 }
  const lines = showPurge({ ...sum, isDryRun: true, items }).split('\n')
  assert.equal(lines.length, 23)
  assert.equal(lines[19], 'r19:t')
  assert.equal(lines[20], '… and 980 or more others')
  assert.equal(showPurge({ ...sum, isDryRun: false, items: [] }), 'nothing matches: nothing to purge\n')
})
