import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import type { TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const NAME = 'library/app'

describe('headers that all answers have in common', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let image: TestImage

  before(async () => {
    hub = await startScriptedUpstream()
    image = hub.addImage(NAME, 'latest', { layers: [1000, 200_000] })
    const headers = { 'X-Twice': ['a', 'b'], 'Cache-Control': ['no-store'] }
    entrepot = await startEntrepot({ upstream: hub, config: { http: { headers } } })
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  const manifest = () => `/v2/${NAME}/manifests/${image.manifest.digest}`
  const blob = (layer: number) => `/v2/${NAME}/blobs/${image.layers[layer]?.digest}`

  it('are sent with manifests, and with blobs from the upstream, from the disk and from memory', async () => {
    for (const path of [manifest(), manifest(), blob(0), blob(0), blob(0), blob(1), blob(1)]) {
      const { status, headers } = await entrepot.get(path)
      assert.equal(status, 200, path)
      assert.deepEqual(headers['x-twice'], ['a', 'b'], path)
      assert.equal(headers['docker-distribution-api-version'], 'registry/2.0', path)
      await entrepot.settle()
    }
  })

  it('stand back where the answer says the same itself', async () => {
    assert.equal((await entrepot.get(blob(0))).headers['cache-control'], 'max-age=31536000')
    assert.equal((await entrepot.get(manifest())).headers['cache-control'], 'no-store')
  })

  it('stand beside what was set for the request', async () => {
    const { headers } = await entrepot.get(`${manifest()}?ns=${hub.host}`)
    assert.equal(headers['oci-namespace'], hub.host)
    assert.deepEqual(headers['x-twice'], ['a', 'b'])
    assert.equal(headers['docker-content-digest'], image.manifest.digest)
  })
})
