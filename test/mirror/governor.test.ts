/** The rate-budget governor: the last pulls of an upstream go to what nobody has cached. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { openAdmin } from '../support/admin.ts'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const START_MS = Date.parse('2026-01-01T12:00:00Z')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const WINDOW_S = 21_600
const ALPINE = '/v2/library/alpine/manifests/latest'

let hub: ScriptedUpstream
let entrepot: TestEntrepot
let clock: { nowMs: number }

/** A mirror that has `library/alpine:latest`, which has moved at its upstream since. */
const start = async (config: Record<string, unknown> = {}): Promise<{ old: TestImage; moved: TestImage }> => {
  clock = { nowMs: START_MS }
  hub = await startScriptedUpstream()
  const old = hub.addImage('library/alpine', 'latest', { seed: 'old' })
  entrepot = await startEntrepot({ upstream: hub, config, now: () => clock.nowMs })
  assert.equal((await entrepot.get(ALPINE)).status, 200)
  await entrepot.settle()
  const moved = makeImage({ seed: 'moved', layers: [2000, 3000] })
  hub.addImage('library/alpine', 'latest', moved)
  hub.resetCounts()
  return { old, moved }
}

/** Every further answer tells that so many pulls are left. */
const tellLeft = (left: number): void => {
  hub.clearFaults()
  const headers = {
    'ratelimit-limit': `100;w=${WINDOW_S}`,
    'ratelimit-remaining': `${left};w=${WINDOW_S}`,
  }
  for (const kind of ['manifest', 'manifestHead'] as const)
    hub.fault(kind, { headers, times: Number.POSITIVE_INFINITY })
}

afterEach(async () => {
  await entrepot.stop()
  await hub.close()
})

describe('below the watermark', () => {
  it('a cached tag that has moved is served as it was, with a warning, and costs a HEAD and no pull', async () => {
    const { old } = await start()
    tellLeft(9)
    for (const method of ['GET', 'HEAD'] as const) {
      const { status, headers } = await entrepot.ask(method, ALPINE)
      assert.deepEqual([status, headers['docker-content-digest']], [200, old.manifest.digest])
      assert.match(String(headers.warning), /^299 - ".*9 of 100 pulls.*not cached"$/)
    }
    assert.deepEqual([hub.counts.manifestHead, hub.counts.manifest], [2, 0])
    assert.equal(await entrepot.metric('entrepot_stale_answers_total', { cause: 'budget' }), 2)
    assert.equal(await entrepot.metric('entrepot_upstream_pulls_spared', { upstream: hub.host }), 1)
  })

  it('is told to who asks for an explanation', async () => {
    await start()
    tellLeft(9)
    await entrepot.get(ALPINE)
    const admin = await openAdmin(entrepot)
    const { verdict, reasons } = await admin.call('explain', { parameters: { reference: 'alpine' } })
    assert.equal(verdict, 'ask')
    assert.match(
      reasons.join('\n'),
      /9 of 100 pulls.*asked by HEAD, and a tag that has moved is served as it was/,
    )
  })

  it('a cached tag that has not moved is as fresh as ever', async () => {
    const { old } = await start()
    hub.addImage('library/alpine', 'latest', old)
    tellLeft(0)
    const { status, headers } = await entrepot.get(ALPINE)
    assert.deepEqual([status, headers.warning], [200, undefined])
  })

  it('what nobody has cached is pulled, to the last one', async () => {
    const { moved } = await start()
    tellLeft(1)
    await entrepot.head(ALPINE)
    hub.addImage('library/other', 'latest', { seed: 'other' })
    assert.equal((await entrepot.get('/v2/library/other/manifests/latest')).status, 200)
    assert.equal((await entrepot.get(`/v2/library/alpine/manifests/${moved.manifest.digest}`)).status, 200)
    // It is here now: the tag moves without another pull.
    const { headers } = await entrepot.get(ALPINE)
    assert.deepEqual([headers['docker-content-digest'], headers.warning], [moved.manifest.digest, undefined])
    assert.equal(hub.counts.manifest, 2)
  })

  it('nothing is fetched ahead of a client', async () => {
    const { moved } = await start()
    tellLeft(9)
    assert.equal((await entrepot.get(`/v2/library/alpine/manifests/${moved.manifest.digest}`)).status, 200)
    assert.equal((await entrepot.get(`/v2/library/alpine/blobs/${moved.layers[0]!.digest}`)).status, 200)
    await entrepot.settle()
    assert.equal(hub.counts.blob, 1)
  })

  it('no tag is served as it was for longer than a day', async () => {
    const { old, moved } = await start()
    tellLeft(9)
    clock.nowMs += 24 * HOUR_MS - 1
    assert.equal((await entrepot.get(ALPINE)).headers['docker-content-digest'], old.manifest.digest)
    clock.nowMs += 1
    assert.equal((await entrepot.get(ALPINE)).headers['docker-content-digest'], moved.manifest.digest)
  })
})

describe('at the watermark and above', () => {
  for (const [what, left, config] of [
    ['ten of a hundred are left', 10, {}],
    ['nothing is to be kept', 0, { cache: { watermark: '0%' } }],
    ['more than the configured share is left', 50, { cache: { watermark: '50%' } }],
  ] as const)
    it(`a tag that has moved is pulled, where ${what}`, async () => {
      const { moved } = await start(config)
      tellLeft(left)
      const { headers } = await entrepot.get(ALPINE)
      assert.deepEqual(
        [headers['docker-content-digest'], headers.warning],
        [moved.manifest.digest, undefined],
      )
      assert.equal(await entrepot.metric('entrepot_upstream_pulls_spared', { upstream: hub.host }), 0)
    })

  it('pulls go on as soon as an answer tells that the window has moved', async () => {
    const { moved } = await start()
    tellLeft(9)
    await entrepot.get(ALPINE)
    tellLeft(90)
    assert.equal((await entrepot.get(ALPINE)).headers['docker-content-digest'], moved.manifest.digest)
  })
})

describe('an upstream other than Docker Hub', () => {
  const OTHER = '/v2/other/library/alpine/manifests/latest'
  it('is not asked for a cached tag below the watermark, until its window is over', async () => {
    clock = { nowMs: START_MS }
    hub = await startScriptedUpstream()
    const old = hub.addImage('library/alpine', 'latest', { seed: 'old' })
    const upstreams = [{ host: hub.host, name: 'other', remoteurl: hub.url }]
    entrepot = await startEntrepot({ config: { upstreams }, now: () => clock.nowMs })
    tellLeft(9)
    assert.equal((await entrepot.get(OTHER)).status, 200)
    await entrepot.settle()
    const moved = hub.addImage('library/alpine', 'latest', { seed: 'moved' })
    hub.resetCounts()
    const spared = await entrepot.get(OTHER)
    assert.equal(spared.headers['docker-content-digest'], old.manifest.digest)
    assert.match(String(spared.headers.warning), /pulls/)
    assert.equal(hub.requests.length, 0)
    const admin = await openAdmin(entrepot)
    const told = await admin.call('explain', { parameters: { reference: 'other/library/alpine' } })
    assert.equal(told.verdict, 'stale')
    assert.match(told.reasons.join('\n'), /it is not asked, and a tag is served as it was/)
    tellLeft(90)
    clock.nowMs += WINDOW_S * 1000
    assert.equal((await entrepot.get(OTHER)).headers['docker-content-digest'], moved.manifest.digest)
  })
})
