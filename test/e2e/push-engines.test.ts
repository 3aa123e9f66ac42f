/**
 * Container engines push what they pulled through entrepot into entrepot itself, and pull it back after they forgot it:
 * the mirror and the registry at one address, the upstream running.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Shipped, type ShippedIndex, shipIndex, shipPlain } from './support/cargo.ts'
import { type Containerd, hostsToml, startContainerd } from './support/clients/containerd.ts'
import { type Dockerd, daemonJson, startDockerd } from './support/clients/dockerd.ts'
import { type Podman, preparePodman } from './support/clients/podman.ts'
import { mirrorConf } from './support/clients/registries-conf.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('dockerd', 'docker', 'containerd', 'ctr', 'podman', 'docker-registry', 'openssl')

describe('engines push into entrepot', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let dockerd: Dockerd
  let containerd: Containerd
  let podman: Podman
  let plain: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace, { local: { push: 'anyone' } })
    plain = await shipPlain(mirror.hub)
    multi = await shipIndex(mirror.hub)
    const { env } = mirror.outside
    dockerd = await startDockerd(workspace, { config: daemonJson(mirror.url), env })
    containerd = await startContainerd(workspace, { hosts: { 'docker.io': hostsToml(mirror.url) }, env })
    podman = await preparePodman(workspace, { conf: mirrorConf('docker.io', mirror.entrepot.address), env })
  })
  after(() => workspace.remove())

  const local = (name: string): string => `${mirror.entrepot.address}/${name}`

  it('dockerd: tag, push, pull', async () => {
    const target = local('team/docker:1')
    await dockerd.pull(`${plain.name}:1`)
    await dockerd.docker('tag', `${plain.name}:1`, target)
    await dockerd.docker('push', target)
    await dockerd.restartEmpty()
    assert.equal(await dockerd.pull(target), plain.image.config.digest)
  })

  it('dockerd: a second repository gets its layers by mounts', async () => {
    const target = local('team/docker-too:1')
    await dockerd.docker('tag', local('team/docker:1'), target)
    const said = await dockerd.docker('push', target)
    assert.match(said, /Mounted from team\/docker|Layer already exists/)
    await dockerd.restartEmpty()
    assert.equal(await dockerd.pull(target), plain.image.config.digest)
  })

  it('podman: tag, push, pull', async () => {
    const target = local('team/podman:1')
    await podman.pull(`docker.io/${plain.name}:1`)
    await podman.podman('tag', `docker.io/${plain.name}:1`, target)
    await podman.podman('push', '--tls-verify=false', target)
    await podman.empty()
    assert.equal(await podman.pull(target, '--tls-verify=false'), plain.image.config.digest)
  })

  it('containerd: an index with all its images, byte for byte', async () => {
    const target = local('team/containerd:1')
    const source = `docker.io/${multi.name}:1`
    await containerd.pull(source, '--all-platforms')
    await containerd.ctr('images', 'tag', source, target)
    await containerd.ctr('images', 'push', '--plain-http', target)
    await containerd.restartEmpty()
    assert.equal(await containerd.pull(target, '--plain-http', '--all-platforms'), multi.index.digest)
  })

  it('what was pushed is there when the upstream is not', async () => {
    await mirror.hub.stop()
    await dockerd.restartEmpty()
    assert.equal(await dockerd.pull(local('team/podman:1')), plain.image.config.digest)
  })

  it('and nobody tried to leave for Docker Hub', () => {
    assert.deepEqual([...mirror.outside.attempts], [])
  })
})
