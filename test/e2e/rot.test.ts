/**
 * A disk on which bytes rot under a running server: a real skopeo goes on pulling, the scrub finds the rest, and what had no
 * other copy is healed by pushing it again.
 */
import assert from 'node:assert/strict'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Digest } from '../../src/protocol/digest.ts'
import { blobKey, QUARANTINE_PREFIX } from '../../src/store/paths.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { mirrorConf } from './support/clients/registries-conf.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import type { Tool } from './support/clients/tool.ts'
import { MAIN } from './support/entrepot.ts'
import { cleanEnvironment } from './support/environment.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { run } from './support/run.ts'
import { inspectBlobs } from './support/store.ts'
import { skipWithout } from './support/tools.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('skopeo', 'docker-registry', 'openssl')
const LAYER_BYTES = 3_000_000

interface ScrubJob {
  readonly state: string
  readonly result: Readonly<Record<string, number>>
}

describe('bytes that rot under a running server', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let skopeo: Tool
  const mirrored = makeImage({ seed: 'mirrored', layers: [LAYER_BYTES, LAYER_BYTES] })
  const alone = makeImage({ seed: 'alone', layers: [LAYER_BYTES] })
  const both = makeImage({ seed: 'both', layers: [mirrored.layers[0]!] })
  const [shared, layer] = mirrored.layers.map(({ digest }) => digest) as [Digest, Digest]
  const only = alone.layers[0]!.digest

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace, { local: { push: 'anyone', repositories: ['team/**'] } })
    await mirror.hub.push('e2e/mirrored', mirrored, '1')
    const conf = mirrorConf('docker.io', mirror.entrepot.address)
    skopeo = await prepareSkopeo(workspace, { conf, env: mirror.outside.env })
  })
  after(() => workspace.remove())

  const insecure = '--src-tls-verify=false'
  const fileOf = (digest: Digest): string => join(mirror.entrepot.rootDirectory, blobKey(digest))
  const flipBit = async (digest: Digest): Promise<void> => {
    const bytes = await readFile(fileOf(digest))
    bytes.writeUInt8(bytes.readUInt8(1_000_000) ^ 1, 1_000_000)
    await writeFile(fileOf(digest), bytes)
  }
  const pull = async (name: string, image: TestImage, folder: string): Promise<void> => {
    const to = await workspace.folder(folder)
    const from = `docker://${mirror.entrepot.address}/${name}:1`
    await skopeo('copy', insecure, '--preserve-digests', from, `dir:${to}`)
    assert.deepEqual(await readFile(join(to, 'manifest.json')), image.manifest.bytes)
  }
  /** Writes an image as skopeo keeps it in a folder. */
  const writeImage = async ({ manifest, config, layers }: TestImage): Promise<string> => {
    const folder = await workspace.folder('image')
    await writeFile(join(folder, 'version'), 'Directory Transport Version: 1.1\n')
    await writeFile(join(folder, 'manifest.json'), manifest.bytes)
    for (const { digest, sizeBytes, stream } of [config, ...layers])
      await writeFile(join(folder, digest.slice('sha256:'.length)), stream(0, sizeBytes - 1))
    return folder
  }
  const push = async (folder: string, name: string): Promise<void> => {
    const to = `docker://${mirror.entrepot.address}/${name}:1`
    await skopeo('copy', '--dest-tls-verify=false', '--preserve-digests', `dir:${folder}`, to)
  }
  const scrub = async (): Promise<ScrubJob> => {
    const { debugUrl, rootDirectory } = mirror.entrepot
    const server = ['--server', debugUrl, '--token-file', join(rootDirectory, 'entrepot/admin-token')]
    const env = cleanEnvironment(await workspace.folder('shell'))
    return JSON.parse(await run(process.execPath, [MAIN, 'scrub', '--json', ...server], { env })) as ScrubJob
  }
  it('a layer that was cut short is pulled whole, in the same pull', async () => {
    await pull('e2e/mirrored', mirrored, 'cold')
    await truncate(fileOf(layer), 1_000_000)
    await pull('e2e/mirrored', mirrored, 'cut')
    await waitUntil(
      'the store mends itself',
      async () => (await inspectBlobs(mirror.entrepot.rootDirectory)).wrong.length === 0,
      10_000,
    )
  })

  it('a changed bit is found by the scrub, and all is replaced that an upstream has', async () => {
    await push(await writeImage(alone), 'team/alone')
    await push(await writeImage(both), 'team/both')
    for (const digest of [layer, shared, only]) await flipBit(digest)
    await assert.rejects(pull('team/alone', alone, 'rotten'), /digest/i, 'skopeo verifies what it is given')
    const { state, result } = await scrub()
    assert.equal(state, 'done')
    assert.deepEqual([result.rottenMirrored, result.rottenLocal, result.repaired, result.left], [1, 2, 2, 0])
    const { rootDirectory } = mirror.entrepot
    assert.deepEqual((await inspectBlobs(rootDirectory)).wrong, [])
    assert.deepEqual(await readdir(join(rootDirectory, QUARANTINE_PREFIX)), [only.slice('sha256:'.length)])
    await mirror.hub.stop()
    await pull('e2e/mirrored', mirrored, 'mirrored')
    await pull('team/both', both, 'both')
  })

  it('what had no other copy is healed by pushing it again', async () => {
    await assert.rejects(pull('team/alone', alone, 'missing'), /blob unknown|404/)
    await push(await writeImage(alone), 'team/alone')
    await pull('team/alone', alone, 'healed')
  })
})
