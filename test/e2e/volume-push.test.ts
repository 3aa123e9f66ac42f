/** A private registry's volume changes hands: what was pushed to docker-registry, to entrepot, and to that again. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { MEDIA_TYPES } from '../../src/protocol/manifest.ts'
import { makeImage, makeIndex, type TestImage, type TestManifest } from '../support/images.ts'
import { startDockerRegistry } from './support/docker-registry.ts'
import { startEntrepot } from './support/entrepot.ts'
import { skipWithout } from './support/tools.ts'
import { pushImage, pushManifest } from './support/upstream/push.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('docker-registry')

/** An image under a tag. */
interface Pushed {
  readonly name: string
  readonly tag: string
  readonly image: TestImage
}

const pushed = (name: string, tag: string): Pushed => ({
  name,
  tag,
  image: makeImage({ seed: `${name}:${tag}`, flavour: 'docker' }),
})

describe('the volume of a private registry', { skip, timeout: 120_000 }, () => {
  const old = [pushed('app', '1'), pushed('app', '2'), pushed('team/app', '1'), pushed('team/app/deep', '1')]
  const added = [pushed('app', '3'), pushed('team/new', '1')]
  const moved = { name: 'team/app', tag: '1', image: makeImage({ seed: 'moved', flavour: 'docker' }) }
  const later = pushed('team/new', '2')
  const parts = ['amd64', 'arm64'].map((architecture) => ({
    image: makeImage({ seed: architecture, architecture, flavour: 'docker' }),
    os: 'linux',
    architecture,
  }))
  const index = makeIndex(parts, 'docker')
  let workspace: Workspace
  let rootDirectory: string

  before(async () => {
    workspace = await makeWorkspace()
  })
  after(() => workspace.remove())

  const read = async (address: string, path: string): Promise<Buffer> => {
    // docker-registry turns what nobody asks for by its type into schema 1.
    const headers = { Accept: `${MEDIA_TYPES.dockerManifest}, ${MEDIA_TYPES.dockerList}` }
    const answer = await fetch(`http://${address}${path}`, { headers })
    const bytes = Buffer.from(await answer.arrayBuffer())
    assert.equal(answer.status, 200, `${path}: ${bytes.toString().slice(0, 500)}`)
    return bytes
  }

  const assertImage = async (address: string, name: string, tag: string, image: TestImage): Promise<void> => {
    assert.deepEqual(
      await read(address, `/v2/${name}/manifests/${tag}`),
      image.manifest.bytes,
      `${name}:${tag}`,
    )
    for (const { digest } of [image.config, ...image.layers])
      assert.equal(digestOf(await read(address, `/v2/${name}/blobs/${digest}`)), digest)
  }

  const push = (registry: string, { name, tag, image }: Pushed): Promise<void> =>
    pushImage({ registry, name }, image, tag)

  const pushIndex = async (registry: string, name: string, list: TestManifest): Promise<void> => {
    for (const { image } of parts) await pushImage({ registry, name }, image)
    await pushManifest({ registry, name }, list, 'multi')
  }

  const assertList = async (address: string, path: string, expected: object): Promise<void> =>
    assert.deepEqual(JSON.parse((await read(address, path)).toString()), expected)

  /** Begins a push, sends some bytes, and leaves. */
  const leaveUnfinished = async (address: string, name: string): Promise<void> => {
    const place = `http://${address}/v2/${name}/blobs/uploads/`
    const started = await fetch(place, { method: 'POST' })
    const location = new URL(started.headers.get('location') ?? '', place)
    const headers = { 'Content-Type': 'application/octet-stream' }
    const answer = await fetch(location, { method: 'PATCH', headers, body: 'the beginning of a layer' })
    assert.equal(answer.status, 202)
  }

  it('is filled by docker-registry, an upload unfinished', async () => {
    const registry = await startDockerRegistry(workspace, 'volume')
    rootDirectory = registry.rootDirectory
    for (const each of old) await push(registry.address, each)
    await leaveUnfinished(registry.address, 'team/app')
    await leaveUnfinished(registry.address, 'team/never-pushed')
    await registry.stop()
  })

  it('is served by entrepot at once, and pushed to', async () => {
    const entrepot = await startEntrepot(workspace, { rootDirectory })
    const { address } = entrepot
    for (const { name, tag, image } of old) await assertImage(address, name, tag, image)
    await assertList(address, '/v2/app/tags/list', { name: 'app', tags: ['1', '2'] })
    await assertList(address, '/v2/_catalog', { repositories: ['app', 'team/app', 'team/app/deep'] })
    for (const each of [...added, moved]) await push(address, each)
    await pushIndex(address, 'team/multi', index)
    await fetch(`http://${address}/v2/app/manifests/1`, { method: 'DELETE' })
    await leaveUnfinished(address, 'team/app')
    await entrepot.stop()
  })

  it('is served by docker-registry again, with all that entrepot took and did', async () => {
    const registry = await startDockerRegistry(workspace, 'volume')
    const { address } = registry
    const [, second, , deep] = old
    for (const { name, tag, image } of [second!, deep!, ...added, moved])
      await assertImage(address, name, tag, image)
    // In the order of its folder, that is, in none.
    const { tags } = JSON.parse((await read(address, '/v2/app/tags/list')).toString()) as { tags: string[] }
    assert.deepEqual(tags.sort(), ['2', '3'])
    assert.deepEqual(await read(address, `/v2/team/multi/manifests/${index.digest}`), index.bytes)
    const { repositories } = JSON.parse((await read(address, '/v2/_catalog')).toString()) as {
      repositories: string[]
    }
    for (const name of ['app', 'team/app', 'team/app/deep', 'team/multi', 'team/new'])
      assert.ok(repositories.includes(name), name)
    await push(address, later)
    await registry.stop()
  })

  it('is whole when entrepot has it back, and its upload still goes on', async () => {
    const entrepot = await startEntrepot(workspace, { rootDirectory })
    for (const { name, tag, image } of [old[1]!, ...added, moved, later])
      await assertImage(entrepot.address, name, tag, image)
    await assertList(entrepot.address, '/v2/team/new/tags/list', { name: 'team/new', tags: ['1', '2'] })
    assert.equal((await readdir(join(rootDirectory, 'entrepot/uploads'))).length, 1)
    await entrepot.stop()
  })
})
