import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANONYMOUS } from '../../src/access/authenticate.ts'
import { type Admitted, OpenPulls } from '../../src/http/open-pulls.ts'
import { parseRepositoryName } from '../../src/protocol/name.ts'
import { startEntrepot } from '../support/entrepot.ts'
import { makeImage } from '../support/images.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import { Pusher } from './pusher.ts'

const admitted = (name: string): Admitted => ({
  repository: { kind: 'local', name: parseRepositoryName(name), origin: undefined },
  identity: ANONYMOUS,
})

describe('what anybody may pull', () => {
  it('is found out once, and remembered', async () => {
    const pulls = new OpenPulls(() => 0)
    assert.equal(pulls.get('a'), undefined)
    const found = await pulls.remember('a', async () => admitted('a'))
    assert.equal(pulls.get('a'), found)
    assert.equal(pulls.get('b'), undefined)
  })

  it('is forgotten as soon as a repository becomes local or mirrored', async () => {
    let changes = 0
    const pulls = new OpenPulls(() => changes)
    await pulls.remember('a', async () => admitted('a'))
    changes = 1
    assert.equal(pulls.get('a'), undefined)
    await pulls.remember('a', async () => admitted('a'))
    assert.notEqual(pulls.get('a'), undefined)
  })

  it('is not remembered where something changed while it was found out', async () => {
    let changes = 0
    const pulls = new OpenPulls(() => changes)
    await pulls.remember('a', async () => {
      changes += 1
      return admitted('a')
    })
    assert.equal(pulls.get('a'), undefined)
  })

  it('is not remembered where it was refused', async () => {
    const pulls = new OpenPulls(() => 0)
    await assert.rejects(pulls.remember('a', () => Promise.reject(new Error('refused'))))
    assert.equal(pulls.get('a'), undefined)
  })
})

it('a name that was asked for in vain is served at once when it has been pushed', async () => {
  const hub = await startScriptedUpstream()
  const entrepot = await startEntrepot({ upstream: hub, config: { local: { push: 'anyone' } } })
  try {
    const manifest = '/v2/team/app/manifests/latest'
    assert.equal((await entrepot.get(manifest)).status, 404)
    await new Pusher(entrepot).image('team/app', 'latest', makeImage({ seed: 'pushed' }))
    assert.equal((await entrepot.get(manifest)).status, 200)
  } finally {
    await entrepot.stop()
    await hub.close()
  }
})
