import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openAdmin, type TestAdmin } from '../../support/admin.ts'
import { startEntrepot, type TestEntrepot } from '../../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../../support/scripted-upstream.ts'

describe('the status', () => {
  let upstream: ScriptedUpstream
  let entrepot: TestEntrepot
  let admin: TestAdmin

  before(async () => {
    upstream = await startScriptedUpstream()
    entrepot = await startEntrepot({ upstream, config: { cache: { prefetch: false } } })
    admin = await openAdmin(entrepot)
  })

  after(async () => {
    await entrepot.stop()
    await upstream.close()
  })

  it('has no ratios before anything was asked', async () => {
    const { traffic, upstreams, fetches, version } = await admin.call('status')
    assert.equal(version, 'test')
    assert.deepEqual(fetches, { active: 0 })
    assert.deepEqual(
      upstreams.map(({ state }) => state),
      ['unknown'],
    )
    assert.deepEqual(traffic, {
      hits: 0,
      misses: 0,
      toClientsBytes: 0,
      fromUpstreamBytes: 0,
      savedBytes: 0,
    })
  })

  it('tells what came from the store and what from an upstream', async () => {
    const { manifest } = upstream.addImage('app/web', '1')
    const path = `/v2/app/web/manifests/${manifest.digest}`
    await entrepot.get(path)
    await entrepot.settle()
    await entrepot.get(path)
    await entrepot.settle()
    const { traffic, upstreams, cache } = await admin.call('status')
    const { hits, misses, hitRatio, hitRatioBytes, toClientsBytes, savedBytes } = traffic
    assert.deepEqual(
      { hits, misses, hitRatio, hitRatioBytes },
      { hits: 1, misses: 1, hitRatio: 0.5, hitRatioBytes: 0.5 },
    )
    assert.deepEqual(
      { toClientsBytes, savedBytes },
      { toClientsBytes: 2 * savedBytes, savedBytes: toClientsBytes / 2 },
    )
    assert.ok(savedBytes > 0 && traffic.fromUpstreamBytes >= savedBytes)
    assert.equal(upstreams[0]?.state, 'well')
    assert.ok((cache.freeBytes ?? 0) > 0 && (cache.totalBytes ?? 0) >= (cache.freeBytes ?? 0))
  })
})
