/** A real containerd whose `hosts.toml` names entrepot as the mirror of two registries, and no other way out. */
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
import { type Containerd, hostsToml, startContainerd } from './support/clients/containerd.ts'
import { assertFetchedOnce, assertNoOtherWay, type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('containerd', 'ctr', 'docker-registry', 'openssl', 'zstd')

const HUB = 'docker.io'

describe('containerd pulls through entrepot with ?ns=docker.io', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let containerd: Containerd
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
    containerd = await startContainerd(workspace, {
      hosts: { [HUB]: hostsToml(mirror.url) },
      env: mirror.outside.env,
    })
  })
  after(() => workspace.remove())

  const pull = ({ name, tag }: { name: string; tag: string }) => containerd.pull(`${HUB}/${name}:${tag}`)

  it('an image by tag', async () => {
    assert.equal(await pull(plain), plain.image.manifest.digest)
  })

  it('an image by digest', async () => {
    await containerd.restartEmpty()
    const { digest } = plain.image.manifest
    assert.equal(await containerd.pull(`${HUB}/${plain.name}@${digest}`), digest)
  })

  it('an official image', async () => {
    assert.equal(await pull(official), official.image.manifest.digest)
  })

  it('an OCI image with zstd layers', async () => {
    assert.equal(await pull(zstd), zstd.image.manifest.digest)
  })

  it('the image of its platform out of an index, then all of them', async () => {
    const reference = `${HUB}/${multi.name}:${multi.tag}`
    assert.equal(await containerd.pull(reference), multi.index.digest)
    assert.equal(await containerd.pull(reference, '--all-platforms'), multi.index.digest)
    const content = await containerd.ctr('content', 'ls', '--quiet')
    for (const { layers } of multi.images)
      for (const { digest } of layers) assert.ok(content.includes(digest), `${digest} was not pulled`)
  })

  it('and the upstream sent each blob once', () => {
    assertFetchedOnce(mirror.hub, [plain.image, official.image, zstd.image, ...multi.images])
  })

  it('all of it again into an emptied containerd after the upstream is gone', async () => {
    await mirror.hub.stop()
    await containerd.restartEmpty()
    for (const shipped of [plain, official, zstd])
      assert.equal(await pull(shipped), shipped.image.manifest.digest)
    assert.equal(await pull(multi), multi.index.digest)
  })

  it('without a single attempt at Docker Hub, which is all that is left without entrepot', async () => {
    await containerd.restartEmpty()
    await assertNoOtherWay(mirror, () => pull(plain))
  })
})
