import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setImmediate as nextRound } from 'node:timers/promises'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import type { TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const NAME = 'library/alpine'

describe('an image that is not cached, and is pulled three layers at a time', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let image: TestImage

  before(async () => {
    hub = await startScriptedUpstream()
    image = hub.addImage(NAME, 'latest', { layers: [50_000, 50_000, 50_000, 50_000, 50_000] })
    entrepot = await startEntrepot({ upstream: hub })
    await entrepot.get(`/v2/${NAME}/manifests/latest`)
    await entrepot.settle()
    hub.resetCounts()
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  it('has nothing more fetched while those three are, and the rest after them; everything once', {
    timeout: 20_000,
  }, async () => {
    const hang = hub.fault('blob', { hangAt: 1000, times: Number.POSITIVE_INFINITY })
    const asked = image.layers.slice(0, 3).map(({ digest }) => entrepot.get(`/v2/${NAME}/blobs/${digest}`))
    while (hub.counts.blob < 3) await nextRound()
    // A request that takes longer than it would take to begin another fetch.
    await entrepot.get(`/v2/${NAME}/manifests/latest`)
    const atOnce = hub.counts.blob
    hang.release()
    hang.clear()
    for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200)
    assert.equal(atOnce, 3)
    while (hub.counts.blob < image.layers.length) await nextRound()
    await entrepot.settle()
    const rest = image.layers.slice(3).map(({ digest }) => entrepot.get(`/v2/${NAME}/blobs/${digest}`))
    for (const answer of await Promise.all(rest)) assert.equal(answer.status, 200)
    assert.equal(hub.counts.blob, image.layers.length)
  })
})
