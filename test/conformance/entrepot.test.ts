/** The suite against entrepot, as it is told to be run: beside a mirror, the upstream running. */
import { after, before, describe } from 'node:test'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { Client } from './client.ts'
import { testConformance, testUncheckedConformance } from './suite.ts'

const SEED = 'entrepot'

/** Tests an entrepot that mirrors and takes pushes, with `sections` of the configuration besides. */
const testEntrepot = (sections: object, test: (client: () => Client) => void): void => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let client: Client

  before(async () => {
    hub = await startScriptedUpstream()
    entrepot = await startEntrepot({
      upstream: hub,
      config: { local: { push: 'anyone' }, storage: { delete: { enabled: true } }, ...sections },
    })
    const repositories = { repository1: 'conformance/one', repository2: 'conformance/two' }
    client = new Client({ origin: entrepot.url, ...repositories, seed: SEED })
  })
  after(async () => {
    client.close()
    await entrepot.stop()
    await hub.close()
  })
  test(() => client)
}

describe('entrepot beside its mirror', () => {
  testEntrepot({}, testConformance)
})

describe('entrepot with its checks of manifests off', () => {
  testEntrepot({ validation: { disabled: true } }, testUncheckedConformance)
})
