import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DrillableUpstream } from '../../src/upstream/outage.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import type { TestImage } from '../support/images.ts'
import { failsWith, ref, TOKENS, withUpstream } from './client.ts'

const MINUTE_MS = 60_000
const NAME = 'library/alpine'
const LATEST = ref('latest')

/** Every question of the port. */
const QUESTIONS: readonly [string, (upstream: Upstream, image: TestImage) => Promise<unknown>][] = [
  ['resolve', (upstream) => upstream.resolve(NAME, LATEST)],
  ['manifest', (upstream) => upstream.manifest(NAME, LATEST)],
  ['stat', (upstream, { config }) => upstream.stat(NAME, config.digest)],
  ['blob', async (upstream, { config }) => (await upstream.blob(NAME, config.digest)).body.destroy()],
  ['tags', (upstream) => upstream.tags(NAME)],
  ['referrers', (upstream, { manifest }) => upstream.referrers(NAME, manifest.digest)],
  ['isPublic', (upstream) => upstream.isPublic(NAME)],
]

describe('an upstream that is declared down', () => {
  for (const [question, ask] of QUESTIONS)
    it(
      `is not asked for ${question}, until the time has come`,
      withUpstream({}, {}, async ({ hub, upstream, clock }) => {
        const image = hub.addImage(NAME, 'latest')
        const drillable = new DrillableUpstream(upstream, () => clock.nowMs)
        drillable.declareDown(clock.nowMs + 10 * MINUTE_MS)
        const { message } = await failsWith(ask(drillable, image), 'unreachable')
        assert.equal(message, 'hub is declared down by an operator until 2026-01-01T00:10:00.000Z')
        assert.equal(hub.requests.length, 0)
        clock.nowMs += 10 * MINUTE_MS
        await ask(drillable, image)
        assert.ok(hub.requests.length > 0)
      }),
    )

  it(
    'says so of its health, and is as it was when the drill is ended',
    withUpstream({}, {}, async ({ hub, upstream, clock }) => {
      hub.addImage(NAME, 'latest')
      const drillable = new DrillableUpstream(upstream, () => clock.nowMs)
      await drillable.resolve(NAME, LATEST)
      const before = drillable.health()
      const untilMs = clock.nowMs + MINUTE_MS
      drillable.declareDown(untilMs)
      assert.deepEqual(drillable.health(), { ...before, isReachable: false, outageUntilMs: untilMs })
      drillable.declareDown(0)
      assert.deepEqual(drillable.health(), before)
      assert.equal(before.isReachable, true)
    }),
  )
})

describe('the health of an upstream', () => {
  it(
    'counts the tokens that it keeps, until they expire',
    withUpstream(TOKENS, {}, async ({ hub, upstream, clock }) => {
      hub.addImage(NAME, 'latest')
      assert.equal(upstream.health().tokens, 0)
      await upstream.resolve(NAME, LATEST)
      assert.equal(upstream.health().tokens, 1)
      clock.nowMs += 60 * MINUTE_MS
      assert.equal(upstream.health().tokens, 0)
    }),
  )

  it(
    'tells how many requests and transfers wait for a place',
    withUpstream({}, { limits: { requests: 1, transfers: 1 } }, async ({ hub, upstream }) => {
      const { config } = hub.addImage(NAME, 'latest')
      const hang = hub.fault('manifestHead', { hang: true })
      const asked = ['latest', config.digest].map((each) => upstream.resolve(NAME, ref(each)).catch(() => {}))
      await hang.met
      const first = await upstream.blob(NAME, config.digest)
      const second = upstream.blob(NAME, config.digest)
      const third = upstream.blob(NAME, config.digest, { priority: 'prefetch' })
      assert.deepEqual(upstream.health().waiting, { requests: 1, transfers: 2 })
      hang.release()
      await Promise.all(asked)
      first.body.resume()
      for (const later of [second, third]) (await later).body.resume()
    }),
  )

  it(
    'tells when the rate limit was heard of',
    withUpstream({}, {}, async ({ hub, upstream, clock }) => {
      hub.addImage(NAME, 'latest')
      hub.fault('manifestHead', {
        headers: { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' },
      })
      await upstream.resolve(NAME, LATEST)
      clock.nowMs += MINUTE_MS
      const { rateLimit, rateLimitAtMs } = upstream.health()
      assert.deepEqual([rateLimit?.remaining, rateLimitAtMs], [7, clock.nowMs - MINUTE_MS])
    }),
  )
})
