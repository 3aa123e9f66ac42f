/** A real skopeo, with entrepot as the mirror of docker.io, that copies and looks at images byte for byte. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Shipped, type ShippedIndex, shipIndex, shipPlain, shipZstd } from './support/cargo.ts'
import { mirrorConf } from './support/clients/registries-conf.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import type { Tool } from './support/clients/tool.ts'
import { assertFetchedOnce, assertNoOtherWay, type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('skopeo', 'docker-registry', 'openssl', 'zstd')

describe('skopeo reads through entrepot', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let skopeo: Tool
  let plain: Shipped
  let zstd: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace)
    plain = await shipPlain(mirror.hub)
    zstd = await shipZstd(mirror.hub)
    multi = await shipIndex(mirror.hub)
    const conf = mirrorConf('docker.io', mirror.entrepot.address)
    skopeo = await prepareSkopeo(workspace, { conf, env: mirror.outside.env })
  })
  after(() => workspace.remove())

  const source = ({ name, tag }: { name: string; tag: string }) => `docker://docker.io/${name}:${tag}`

  /** Copies everything of `shipped` and returns its manifest; skopeo itself verifies every digest on the way. */
  const copyAll = async (shipped: { name: string; tag: string }, folder: string): Promise<Buffer> => {
    const to = await workspace.folder(folder)
    await skopeo('copy', '--all', '--preserve-digests', source(shipped), `dir:${to}`)
    return await readFile(join(to, 'manifest.json'))
  }

  const assertWhole = async (folder: string): Promise<void> => {
    assert.deepEqual(await copyAll(multi, `${folder}/multi`), multi.index.bytes)
    assert.deepEqual(await copyAll(zstd, `${folder}/zstd`), zstd.image.manifest.bytes)
    assert.deepEqual(await copyAll(plain, `${folder}/plain`), plain.image.manifest.bytes)
  }

  it('a manifest to inspect it, without a layer', async () => {
    const inspected: unknown = JSON.parse(await skopeo('inspect', '--no-tags', source(plain)))
    assert.deepEqual((inspected as { Digest: string }).Digest, plain.image.manifest.digest)
    for (const { digest } of plain.image.layers)
      assert.equal(mirror.hub.log.count({ kind: 'cdn', reference: digest }), 0, digest)
  })

  it('the tags of a repository', async () => {
    const direct = `docker://${mirror.entrepot.address}/${plain.name}`
    const listed: unknown = JSON.parse(await skopeo('list-tags', '--tls-verify=false', direct))
    assert.deepEqual((listed as { Tags: string[] }).Tags, [plain.tag])
  })

  it('an index with all its images, zstd layers, a Docker image, byte for byte', () => assertWhole('cold'))

  it('and the upstream sent each blob once', () => {
    assertFetchedOnce(mirror.hub, [plain.image, zstd.image, ...multi.images])
  })

  it('all of it again after the upstream is gone', async () => {
    await mirror.hub.stop()
    await assertWhole('warm')
  })

  it('without a single attempt at Docker Hub, which is all that is left without entrepot', async () => {
    await assertNoOtherWay(mirror, () => skopeo('inspect', '--no-tags', source(plain)))
  })
})
