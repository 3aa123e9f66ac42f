/** One volume, two programs: what docker-registry left is served by entrepot at once, and the other way round. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseRepositoryName } from '../../src/protocol/name.ts'
import { layerLinkKey } from '../../src/store/paths.ts'
import { type Shipped, type ShippedIndex, shipIndex, shipOfficial, shipPlain } from './support/cargo.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import type { Tool } from './support/clients/tool.ts'
import { startDockerRegistry } from './support/docker-registry.ts'
import { startEntrepot } from './support/entrepot.ts'
import { closeOutside } from './support/outside.ts'
import { skipWithout } from './support/tools.ts'
import { type Hub, startHub } from './support/upstream/hub.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('skopeo', 'docker-registry', 'openssl')

/** Folder of docker-registry when it fills a volume. */
const OLD = 'old'

describe('a volume changes hands', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let hub: Hub
  let skopeo: Tool
  let plain: Shipped
  let official: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    hub = await startHub(workspace)
    plain = await shipPlain(hub)
    official = await shipOfficial(hub)
    multi = await shipIndex(hub)
    const { env } = await closeOutside(workspace)
    skopeo = await prepareSkopeo(workspace, { conf: '', env })
  })
  after(() => workspace.remove())

  /** Copies all images out of the registry at `address` and compares them with what was shipped. */
  const assertServed = async (address: string, folder: string): Promise<void> => {
    const manifests = [plain, official].map(({ name, tag, image }) => ({
      name,
      tag,
      bytes: image.manifest.bytes,
    }))
    const index = { name: multi.name, tag: multi.tag, bytes: multi.index.bytes }
    for (const { name, tag, bytes } of [...manifests, index]) {
      const to = await workspace.folder(join(folder, name))
      const from = `docker://${address}/${name}:${tag}`
      await skopeo('copy', '--all', '--preserve-digests', '--src-tls-verify=false', from, `dir:${to}`)
      assert.deepEqual(await readFile(join(to, 'manifest.json')), bytes)
    }
  }

  /** Every link that a whole cache has: docker-registry writes them after its clients have the blobs. */
  const allLinks = (): string[] => {
    const images = [plain, official, ...multi.images.map((image) => ({ name: multi.name, image }))]
    return images.flatMap(({ name, image: { config, layers } }) =>
      [config, ...layers].map(({ digest }) =>
        join(workspace.path, OLD, 'registry', layerLinkKey(parseRepositoryName(name), digest)),
      ),
    )
  }

  it('both programs fill one from the upstream', async () => {
    const proxy = { remoteurl: hub.url }
    const registry = await startDockerRegistry(workspace, OLD, { proxy })
    await assertServed(registry.address, 'filled-by-docker-registry')
    await waitUntil(
      'docker-registry has stored what it served',
      () => allLinks().every((link) => existsSync(link)),
      30_000,
    )
    await registry.stop()
    const entrepot = await startEntrepot(workspace, { sections: { proxy } })
    await assertServed(entrepot.address, 'filled-by-entrepot')
    await entrepot.stop()
    await hub.stop()
  })

  it('entrepot serves the volume of docker-registry warm, with the upstream down', async () => {
    const entrepot = await startEntrepot(workspace, {
      rootDirectory: join(workspace.path, OLD, 'registry'),
      sections: { proxy: { remoteurl: hub.url } },
    })
    await assertServed(entrepot.address, 'served-by-entrepot')
    await entrepot.stop()
  })

  it('docker-registry serves the volume of entrepot', async () => {
    const registry = await startDockerRegistry(workspace, 'entrepot')
    await assertServed(registry.address, 'served-by-docker-registry')
    await registry.stop()
  })
})
