import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StatusAnswer, UpstreamsAnswer } from '../../../src/commands/admin-answers.ts'
import { checkDisk, checkUpstreams } from '../../../src/commands/doctor/check-server.ts'
import { judge } from '../../../src/commands/doctor/sighting.ts'
import { inShort } from './files.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const GIB = 2 ** 30

describe('what the server tells of its disk', () => {
  const cache = {
    sizeBytes: 5 * GIB,
    freeBytes: 50 * GIB,
    totalBytes: 100 * GIB,
    minFreeBytes: GIB,
    evictedBytes: 0,
  }
  const cases: [Partial<StatusAnswer['cache']>, RegExp][] = [
    [{}, /^ok: the cache has 5\.00 GiB; 50\.0 GiB of 100 GiB are free$/],
    [{ limitBytes: 20 * GIB }, /^ok: the cache has 5\.00 GiB of 20\.0 GiB/],
    [{ limitBytes: 60 * GIB }, /^warning: the budget of 60\.0 GiB does not fit .* room for 54\.0 GiB$/],
    [{ freeBytes: GIB / 2 }, /^problem: 512 MiB of 100 GiB are free, less than the 1\.00 GiB/],
    [{ freeBytes: 2 * GIB }, /^warning: .* there is no budget$/],
  ]
  for (const [over, finding] of cases)
    it(`with ${JSON.stringify(over)}`, () =>
      assert.match(inShort([checkDisk({ cache: { ...cache, ...over } })])[0] ?? '', finding))
})

describe('what the server tells of an upstream', () => {
  type Upstream = UpstreamsAnswer['upstreams'][number]
  const hub: Upstream = {
    name: 'docker.io',
    host: 'docker.io',
    remoteurl: 'https://registry-1.docker.io',
    hasCredentials: false,
    state: 'well',
  }
  const cases: [Partial<Upstream>, string[]][] = [
    [{}, ['ok: docker.io answers, asked without an account']],
    [{ hasCredentials: true }, ['ok: docker.io answers and accepts the account']],
    [
      { refusedCredentials: '401', state: 'well', lastError: 'x' },
      ['problem: docker.io refuses the account of this server (401)'],
    ],
    [
      { state: 'limited', limitedUntil: '2026-06-01T13:00:00Z' },
      ['warning: docker.io grants no requests for now, again in 1 h'],
    ],
    [{ state: 'unwell', lastError: 'no route' }, ['problem: docker.io cannot be reached (no route)']],
    [
      { state: 'outage', outageUntil: '2026-06-01T12:05:00Z' },
      ['warning: docker.io is treated as unreachable by an outage drill, which ends in 5 min'],
    ],
    [{ state: 'unknown' }, ['warning: docker.io has not been asked yet']],
    [
      { rateLimit: { limit: 100, remaining: 50, windowS: 21600 } },
      ['ok: docker.io answers, asked without an account', 'ok: docker.io: 50 of 100 left in 6 h'],
    ],
    [
      { rateLimit: { limit: 100, remaining: 3 } },
      ['ok: docker.io answers, asked without an account', 'warning: docker.io: 3 of 100 left'],
    ],
  ]
  for (const [over, findings] of cases)
    it(`with ${JSON.stringify(over)}`, () =>
      assert.deepEqual(inShort(checkUpstreams({ upstreams: [{ ...hub, ...over }] }, NOW)), findings))

  it('warns where there is none', () => {
    assert.deepEqual(inShort(checkUpstreams({ upstreams: [] }, NOW)), [
      'warning: this server mirrors nothing',
    ])
  })
})

describe('two looks at a repository', () => {
  const before = { contents: '', reads: 5, toClientsBytes: 100, fromUpstreamBytes: 0 }
  const cases: [
    what: string,
    after: Partial<typeof before> | { contents: undefined; reads: number },
    level: string,
  ][] = [
    ['tell that a pull came through, when it is there now', { contents: '{}', reads: 6 }, 'ok'],
    ['tell that it went around, when nothing was read', {}, 'problem'],
    ['leave it open, when something else was read', { reads: 6 }, 'warning'],
  ]
  for (const [what, after, level] of cases)
    it(what, () => assert.equal(judge('docker pull x', before, { ...before, ...after }).level, level))

  it('leave it open, when the repository may not be seen', () => {
    const blind = { ...before, contents: undefined }
    assert.equal(judge('x', blind, { ...blind, reads: 6 }).level, 'warning')
    assert.equal(judge('x', blind, blind).level, 'problem')
  })

  it('tell the bytes', () => {
    const after = { contents: '{}', reads: 7, toClientsBytes: 2148, fromUpstreamBytes: 1024 }
    assert.match(
      judge('x', before, after).text,
      /2\.00 KiB went to clients meanwhile, 1\.00 KiB of it fetched/,
    )
  })
})
