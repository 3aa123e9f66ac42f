/** The outage drill and what is told of upstreams, through the admin API of a mirror with a scripted upstream. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openAdmin, type TestAdmin } from '../../support/admin.ts'
import { startEntrepot, type TestEntrepot } from '../../support/entrepot.ts'
import type { TestImage } from '../../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../../support/scripted-upstream.ts'

const START_MS = Date.parse('2026-01-01T12:00:00Z')
const MINUTE_MS = 60_000

let hub: ScriptedUpstream
let entrepot: TestEntrepot
let admin: TestAdmin
let image: TestImage
let clock: { nowMs: number }
let name: string

const manifestOf = (repository: string): string => `/v2/library/${repository}/manifests/latest`

beforeEach(async () => {
  clock = { nowMs: START_MS }
  hub = await startScriptedUpstream()
  image = hub.addImage('library/alpine', 'latest', { layers: [1000] })
  hub.addImage('library/other', 'latest', { seed: 'other' })
  entrepot = await startEntrepot({ upstream: hub, now: () => clock.nowMs })
  admin = await openAdmin(entrepot)
  name = hub.host
})
afterEach(async () => {
  await entrepot.stop()
  await hub.close()
})

const listOne = async () => {
  const { upstreams } = await admin.call('listUpstreams')
  assert.equal(upstreams.length, 1)
  return upstreams[0]!
}

describe('an outage drill', () => {
  const declare = (duration: string) =>
    admin.call('declareOutage', { parameters: { name }, body: { for: duration } })

  it('lets what is cached be served stale, and refuses what is not, without a request to the upstream', async () => {
    await entrepot.get(manifestOf('alpine'))
    await entrepot.get(`/v2/library/alpine/blobs/${image.config.digest}`)
    await entrepot.settle()
    await declare('10m')
    hub.resetCounts()
    const cached = await entrepot.get(manifestOf('alpine'))
    assert.equal(cached.status, 200)
    assert.match(
      String(cached.headers.warning),
      /^299 - ".*declared down by an operator until 2026-01-01T12:10/,
    )
    assert.equal((await entrepot.get(`/v2/library/alpine/blobs/${image.config.digest}`)).status, 200)
    for (const missing of [manifestOf('other'), `/v2/library/alpine/blobs/sha256:${'0'.repeat(64)}`]) {
      const { status, body } = await entrepot.get(missing)
      assert.equal(status, 502)
      assert.match(body.toString(), /"UNAVAILABLE".*declared down by an operator/)
    }
    assert.equal(hub.requests.length, 0)
    assert.equal(await entrepot.metric('entrepot_stale_answers_total', { cause: 'unreachable' }), 1)
  })

  it('is told of, ends by itself, and leaves nothing behind', async () => {
    await entrepot.get(manifestOf('alpine'))
    await declare('10m')
    const { state, outageUntil } = await listOne()
    assert.deepEqual([state, outageUntil], ['outage', '2026-01-01T12:10:00.000Z'])
    const health = await entrepot.get(`${entrepot.debugUrl}/debug/health`)
    assert.deepEqual(
      [health.status, health.json()],
      [503, { [`upstream ${name}`]: 'declared down by an operator until 2026-01-01T12:10:00.000Z' }],
    )
    assert.equal((await entrepot.get(`${entrepot.debugUrl}/readyz`)).status, 200)
    assert.equal(await entrepot.metric('entrepot_upstream_outage', { upstream: name }), 1)
    assert.equal(await entrepot.metric('entrepot_upstream_up', { upstream: name }), 0)
    clock.nowMs += 10 * MINUTE_MS
    assert.equal((await entrepot.get(manifestOf('other'))).status, 200)
    const after = await listOne()
    assert.deepEqual([after.state, after.outageUntil], ['well', undefined])
    assert.equal(await entrepot.metric('entrepot_upstream_outage', { upstream: name }), 0)
    assert.equal(await entrepot.metric('entrepot_upstream_up', { upstream: name }), 1)
  })

  it('is ended before its time, and again when there is none', async () => {
    await declare('24h')
    await admin.call('endOutage', { parameters: { name } })
    await admin.call('endOutage', { parameters: { name } })
    assert.equal((await entrepot.get(manifestOf('other'))).status, 200)
  })

  it('is refused for longer than a day, for no time, and for what is no upstream', async () => {
    for (const [time, message] of [
      ['25h', /at most 24h/],
      ['0s', /more than 0/],
      ['10', /no duration with its unit/],
    ] as const) {
      const input = { parameters: { name }, body: { for: time } }
      assert.match(await admin.refuse('declareOutage', input, 400, 'UNSUPPORTED'), message)
    }
    const input = { parameters: { name: 'nowhere' }, body: { for: '1m' } }
    const message = await admin.refuse('declareOutage', input, 404, 'NAME_UNKNOWN')
    assert.equal(message, `there is no upstream nowhere: there are ${name}`)
  })
})

describe('an upstream', () => {
  it('is unknown before anything was asked of it', async () => {
    const { state, remoteurl, hasCredentials, tokens, queue } = await listOne()
    assert.deepEqual(
      [state, remoteurl, hasCredentials, tokens, queue],
      ['unknown', hub.url, false, { cached: 0 }, { requests: 0, transfers: 0 }],
    )
  })

  it('is told of with its rate limit, and until when it is not asked', async () => {
    const told = {
      'ratelimit-limit': '100;w=21600',
      'ratelimit-remaining': '7;w=21600',
      'docker-ratelimit-source': '192.0.2.1',
    }
    hub.fault('manifest', { status: 429, headers: { ...told, 'retry-after': '90' }, times: 1 })
    assert.equal((await entrepot.get(manifestOf('alpine'))).status, 429)
    const { state, rateLimit, limitedUntil, lastError, lastErrorAt } = await listOne()
    const toldAt = new Date(START_MS).toISOString()
    assert.deepEqual([state, limitedUntil, lastErrorAt], ['limited', '2026-01-01T12:01:30.000Z', toldAt])
    assert.deepEqual(rateLimit, { limit: 100, remaining: 7, windowS: 21600, source: '192.0.2.1', toldAt })
    assert.match(lastError ?? '', /rate limit reached/)
  })
})
