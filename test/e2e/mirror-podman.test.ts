/** A real podman whose `registries.conf` names entrepot as the mirror of docker.io, and no other way out. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Shipped,
  type ShippedIndex,
  shipIndex,
  shipOfficial,
  shipPlain,
  shipZstd,
} from './support/cargo.ts'
import { type Podman, preparePodman } from './support/clients/podman.ts'
import { mirrorConf } from './support/clients/registries-conf.ts'
import { assertFetchedOnce, assertNoOtherWay, type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('podman', 'docker-registry', 'openssl', 'zstd')

describe('podman pulls through entrepot', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let podman: Podman
  let plain: Shipped
  let official: Shipped
  let zstd: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace)
    plain = await shipPlain(mirror.hub)
    official = await shipOfficial(mirror.hub)
    zstd = await shipZstd(mirror.hub)
    multi = await shipIndex(mirror.hub)
    const conf = mirrorConf('docker.io', mirror.entrepot.address)
    podman = await preparePodman(workspace, { conf, env: mirror.outside.env })
  })
  after(() => workspace.remove())

  const pull = ({ name, tag }: { name: string; tag: string }) => podman.pull(`docker.io/${name}:${tag}`)

  it('an image by tag', async () => {
    assert.equal(await pull(plain), plain.image.config.digest)
  })

  it('an image by digest', async () => {
    await podman.empty()
    const reference = `docker.io/${plain.name}@${plain.image.manifest.digest}`
    assert.equal(await podman.pull(reference), plain.image.config.digest)
  })

  it('an official image', async () => {
    assert.equal(await pull(official), official.image.config.digest)
  })

  it('an OCI image with zstd layers', async () => {
    assert.equal(await pull(zstd), zstd.image.config.digest)
  })

  it('the image of its platform out of an index', async () => {
    assert.equal(await pull(multi), multi.amd64.config.digest)
  })

  it('and the upstream sent each blob once', () => {
    assertFetchedOnce(mirror.hub, [plain.image, official.image, zstd.image, multi.amd64])
  })

  it('all of it again into an emptied podman after the upstream is gone', async () => {
    await mirror.hub.stop()
    await podman.empty()
    for (const shipped of [plain, official, zstd])
      assert.equal(await pull(shipped), shipped.image.config.digest)
    assert.equal(await pull(multi), multi.amd64.config.digest)
  })

  it('without a single attempt at Docker Hub, which is all that is left without entrepot', async () => {
    await podman.empty()
    await assertNoOtherWay(mirror, () => pull(plain))
  })
})
