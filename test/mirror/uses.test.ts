import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import type { Digest } from '../../src/protocol/digest.ts'
import { FilesystemDriver } from '../../src/store/drivers/filesystem.ts'
import { bucketOf } from '../../src/store/paths.ts'
import { type Use, UseStore } from '../../src/store/uses.ts'
import { makeFolder, startEntrepot } from '../support/entrepot.ts'
import { makeImage, makeIndex, type TestImage, type TestManifest } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const START_MS = 1_900_000_000_000
const DAYS_MS = 3 * 24 * 60 * 60 * 1000
const ROUNDING_MS = 2 * 60_000

describe('of a mirrored image', () => {
  let hub: ScriptedUpstream
  let root: string
  let image: TestImage
  let index: TestManifest

  beforeEach(async () => {
    hub = await startScriptedUpstream()
    root = await makeFolder()
    image = makeImage({ layers: [2000, 3000] })
    index = makeIndex([{ image, os: 'linux', architecture: 'amd64' }])
    hub.addImage('library/alpine', undefined, image)
    hub.addManifest('library/alpine', 'latest', index)
  })
  afterEach(async () => {
    await hub.close()
    await rm(root, { recursive: true })
  })

  /** Runs a server at a time, and asks it for paths, one after the other. */
  const ask = async (nowMs: number, method: 'GET' | 'HEAD', paths: readonly string[]): Promise<void> => {
    const entrepot = await startEntrepot({ upstream: hub, root, now: () => nowMs })
    try {
      for (const path of paths)
        assert.equal((await entrepot.ask(method, `/v2/library/alpine/${path}`)).status, 200)
      await entrepot.settle()
    } finally {
      await entrepot.stop()
    }
  }

  const findUse = async (digest: Digest): Promise<Use | undefined> =>
    (await new UseStore(new FilesystemDriver(root), silentLogger, Date.now).read(bucketOf(digest))).get(
      digest,
    )

  const pull = (): Promise<void> =>
    ask(START_MS, 'GET', [
      'manifests/latest',
      `manifests/${image.manifest.digest}`,
      ...[image.config, ...image.layers].map(({ digest }) => `blobs/${digest}`),
    ])

  it('each part is noted as what it is, when it is pulled', async () => {
    await pull()
    for (const digest of [index.digest, image.manifest.digest, image.config.digest])
      assert.equal((await findUse(digest))?.kind, 'document')
    for (const { digest } of image.layers) {
      const use = await findUse(digest)
      assert.deepEqual([use?.kind, use?.upstream], ['layer', hub.host])
      assert.ok(Math.abs((use?.usedAtMs ?? 0) - START_MS) <= ROUNDING_MS)
    }
  })

  for (const path of ['manifests/latest', 'the digest'])
    it(`a HEAD by ${path === 'the digest' ? path : 'tag'} is a use of every part, though nothing else is asked for`, async () => {
      await pull()
      const asked = path === 'the digest' ? `manifests/${image.manifest.digest}` : path
      await ask(START_MS + DAYS_MS, 'HEAD', [asked])
      for (const { digest } of [image.manifest, image.config, ...image.layers]) {
        const age = START_MS + DAYS_MS - ((await findUse(digest))?.usedAtMs ?? 0)
        assert.ok(age >= 0 && age <= ROUNDING_MS, `${digest} was used ${age} ms ago`)
      }
    })
})
