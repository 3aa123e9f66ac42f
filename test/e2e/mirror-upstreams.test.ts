/** A second upstream beside the default one, with an account: reached by `?ns=` and by the first component of a path. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Shipped, shipPlain } from './support/cargo.ts'
import { type Containerd, hostsToml, startContainerd } from './support/clients/containerd.ts'
import { type Podman, preparePodman } from './support/clients/podman.ts'
import { mirrorConf } from './support/clients/registries-conf.ts'
import { assertFetchedOnce, type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { type Hub, startHub } from './support/upstream/hub.ts'
import { ACCOUNT } from './support/upstream/token-service.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('containerd', 'ctr', 'podman', 'docker-registry', 'openssl')

/** A registry whose name leads nowhere but through entrepot. */
const HOST = 'ships.test'

describe('entrepot mirrors two upstreams', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let other: Hub
  let containerd: Containerd
  let podman: Podman
  let secret: Shipped
  let plain: Shipped

  before(async () => {
    workspace = await makeWorkspace()
    other = await startHub(workspace, 'other')
    mirror = await startMirror(workspace, {
      upstreams: [{ host: HOST, name: 'ships', remoteurl: other.url, ...ACCOUNT }],
    })
    secret = await shipPlain(other, 'private/secret')
    plain = await shipPlain(mirror.hub)
    const { env } = mirror.outside
    const hosts = { 'docker.io': hostsToml(mirror.url), [HOST]: hostsToml(mirror.url) }
    containerd = await startContainerd(workspace, { hosts, env })
    podman = await preparePodman(workspace, {
      conf: mirrorConf(HOST, `${mirror.entrepot.address}/ships`),
      env,
    })
  })
  after(() => workspace.remove())

  it('by ?ns=, with the account of that upstream', async () => {
    const { digest } = secret.image.manifest
    assert.equal(await containerd.pull(`${HOST}/${secret.name}:${secret.tag}`), digest)
    assert.equal(mirror.hub.log.count({ name: secret.name }), 0)
  })

  it('by the first component of the path', async () => {
    assert.equal(await podman.pull(`${HOST}/${secret.name}:${secret.tag}`), secret.image.config.digest)
  })

  it('and fetches each blob once, whichever way it is asked for', () => {
    assertFetchedOnce(other, [secret.image])
  })

  it('while the default one goes by its own names', async () => {
    const { digest } = plain.image.manifest
    assert.equal(await containerd.pull(`docker.io/${plain.name}:${plain.tag}`), digest)
    assert.equal(other.log.count({ name: plain.name }), 0)
  })

  it('and what one has the other does not', async () => {
    await assert.rejects(podman.pull(`${HOST}/${plain.name}:${plain.tag}`))
    await assert.rejects(containerd.pull(`docker.io/${secret.name}:${secret.tag}`))
  })
})
