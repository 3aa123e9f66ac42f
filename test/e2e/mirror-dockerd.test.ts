/** A real dockerd that has entrepot in its `registry-mirrors`, and no other way out. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Shipped,
  type ShippedIndex,
  shipBig,
  shipIndex,
  shipOfficial,
  shipPlain,
} from './support/cargo.ts'
import { type Dockerd, daemonJson, startDockerd } from './support/clients/dockerd.ts'
import { assertFetchedOnce, assertNoOtherWay, type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('dockerd', 'docker', 'docker-registry', 'openssl')

describe('dockerd pulls through entrepot', { skip, timeout: 300_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let dockerd: Dockerd
  let plain: Shipped
  let official: Shipped
  let big: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace)
    plain = await shipPlain(mirror.hub)
    official = await shipOfficial(mirror.hub)
    big = await shipBig(mirror.hub)
    multi = await shipIndex(mirror.hub)
    dockerd = await startDockerd(workspace, { config: daemonJson(mirror.url), env: mirror.outside.env })
  })
  after(() => workspace.remove())

  it('an image by tag', async () => {
    assert.equal(await dockerd.pull(`${plain.name}:${plain.tag}`), plain.image.config.digest)
  })

  it('an image by digest', async () => {
    await dockerd.restartEmpty()
    const reference = `${plain.name}@${plain.image.manifest.digest}`
    assert.equal(await dockerd.pull(reference), plain.image.config.digest)
  })

  it('an official image by its short name', async () => {
    assert.equal(await dockerd.pull('e2e-official:1'), official.image.config.digest)
  })

  it('the image of its platform out of an index', async () => {
    assert.equal(await dockerd.pull(`${multi.name}:${multi.tag}`), multi.amd64.config.digest)
  })

  it('a layer of 300 MB', async () => {
    assert.equal(await dockerd.pull(`${big.name}:${big.tag}`), big.image.config.digest)
  })

  it('and the upstream sent each blob once', () => {
    assertFetchedOnce(mirror.hub, [plain.image, official.image, big.image, multi.amd64])
  })

  it('all of it again into an emptied dockerd after the upstream is gone', async () => {
    await mirror.hub.stop()
    await dockerd.restartEmpty()
    for (const { name, tag, image } of [plain, official, big, { ...multi, image: multi.amd64 }])
      assert.equal(await dockerd.pull(`${name}:${tag}`), image.config.digest)
    assert.equal(
      await dockerd.pull(`${plain.name}@${plain.image.manifest.digest}`),
      plain.image.config.digest,
    )
  })

  it('without a single attempt at Docker Hub, which is all that is left without entrepot', async () => {
    await dockerd.restartEmpty()
    await assertNoOtherWay(mirror, () => dockerd.pull(`${plain.name}:${plain.tag}`))
  })
})
