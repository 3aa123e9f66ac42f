import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRateLimit, readRetryAfterMs } from '../../src/upstream/rate-limit.ts'

test('the rate limit is read with its window and whose it is', () => {
  const headers = {
    'ratelimit-limit': '100;w=21600',
    'ratelimit-remaining': '76;w=21600',
    'docker-ratelimit-source': '192.0.2.1',
  }
  assert.deepEqual(readRateLimit(headers), {
    limit: 100,
    remaining: 76,
    windowS: 21_600,
    source: '192.0.2.1',
  })
})

test('absent or malformed headers mean unknown, not zero', () => {
  for (const headers of [
    {},
    { 'ratelimit-limit': '100' },
    { 'ratelimit-remaining': '76' },
    { 'ratelimit-limit': 'many', 'ratelimit-remaining': 'few' },
  ])
    assert.equal(readRateLimit(headers), undefined)
  const bare = { 'ratelimit-limit': '100', 'ratelimit-remaining': '0' }
  assert.deepEqual(readRateLimit(bare), { limit: 100, remaining: 0, windowS: undefined, source: undefined })
})

const NOW_MS = Date.UTC(2026, 0, 1, 12)

const retryAfters = [
  ['120', 120_000],
  ['0', 0],
  [' 7 ', 7000],
  ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
  ['999999999', 3_600_000],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
] as const

for (const [text, ms] of retryAfters)
  test(`Retry-After "${text}" is ${ms} ms`, () => {
    assert.equal(readRetryAfterMs(text === undefined ? {} : { 'retry-after': text }, NOW_MS), ms)
  })
