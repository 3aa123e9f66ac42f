/** What entrepot tells Prometheus, read by Prometheus' own checker. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { shipPlain } from './support/cargo.ts'
import { cleanEnvironment } from './support/environment.ts'
import { getPath } from './support/get.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { run } from './support/run.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('promtool', 'docker-registry', 'openssl')

/** Gauges of the process that end in `_total`: named by prom-client, and known by that name in people's dashboards. */
const ODD_NAMES = /nodejs_active_\w+_total/

describe('the metrics of entrepot', { skip, timeout: 60_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace)
  })
  after(() => workspace.remove())

  it('are accepted by promtool, with a mirror at work', async () => {
    const { name, image } = await shipPlain(mirror.hub)
    for (const path of ['manifests/1', `blobs/${image.config.digest}`, 'manifests/none']) {
      const answer = await getPath(mirror.entrepot.address, `/v2/${name}/${path}`)
      await answer.toArray()
    }
    const response = await fetch(`${mirror.entrepot.debugUrl}/metrics`)
    assert.equal(response.status, 200)
    const lines = (await response.text()).split('\n')
    const input = lines.filter((line) => !ODD_NAMES.test(line)).join('\n')
    assert.match(input, /^registry_proxy_misses\S* [1-9]/m)
    await run('promtool', ['check', 'metrics'], { env: cleanEnvironment(workspace.path), input })
  })
})
