/**
 * `kill -9` in the middle of pushes, again and again on one store. Each round pushes several images at once; the kill
 * comes when a random number of them has been acknowledged, while the others are under way.
 */
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { draw } from './support/draw.ts'
import { type Entrepot, startEntrepot } from './support/entrepot.ts'
import { getPath } from './support/get.ts'
import { inspectBlobs } from './support/store.ts'
import { pushImage } from './support/upstream/push.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const ROUNDS = 10
const PUSHES = 6
const MAX_LAYER_BYTES = 2_000_000
const NAME = 'team/cargo'

describe('entrepot survives kill -9 in the middle of pushes', { timeout: 240_000 }, () => {
  let workspace: Workspace
  /** What was answered 201, by tag. */
  const acknowledged = new Map<string, TestImage>()

  before(async () => {
    workspace = await makeWorkspace()
  })
  after(() => workspace.remove())

  const read = async (entrepot: Entrepot, path: string): Promise<Buffer> => {
    const answer = await getPath(entrepot.address, `/v2/${NAME}/${path}`)
    const bytes = await buffer(answer)
    assert.equal(answer.statusCode, 200, `${path}: ${bytes.toString().slice(0, 500)}`)
    return bytes
  }

  const assertAcknowledged = async (entrepot: Entrepot): Promise<void> => {
    for (const [tag, { manifest, config, layers }] of acknowledged) {
      assert.deepEqual(await read(entrepot, `manifests/${tag}`), manifest.bytes)
      for (const { digest } of [config, ...layers])
        assert.equal(digestOf(await read(entrepot, `blobs/${digest}`)), digest)
    }
  }

  /** Pushes one image, and takes note when it is acknowledged. */
  const push = async ({ address }: Entrepot, tag: string): Promise<void> => {
    const layers = ['a', 'b'].map((layer) => draw(`${tag} ${layer}`, 1000, MAX_LAYER_BYTES))
    const image = makeImage({ seed: tag, layers })
    await pushImage({ registry: address, name: NAME }, image, tag)
    acknowledged.set(tag, image)
  }

  const runRound = async (round: number): Promise<void> => {
    const entrepot = await startEntrepot(workspace)
    const killAfter = acknowledged.size + draw(`moment ${round}`, 1, PUSHES)
    const pushes = Array.from({ length: PUSHES }, async (_, i) => {
      // The kill ends those that are under way.
      await push(entrepot, `round-${round}-${i}`).catch(() => {})
      if (acknowledged.size >= killAfter) await entrepot.kill()
    })
    await Promise.all(pushes)
    assert.ok(
      acknowledged.size >= killAfter,
      `only ${acknowledged.size} pushes passed:\n${entrepot.output()}`,
    )
    assert.deepEqual((await inspectBlobs(entrepot.rootDirectory)).wrong, [])
  }

  it('and has all that it acknowledged, byte for byte', async () => {
    for (let round = 0; round < ROUNDS; round += 1) await runRound(round)
    const entrepot = await startEntrepot(workspace)
    await assertAcknowledged(entrepot)
    await entrepot.stop()
  })

  it('and an upload goes on where it was', async () => {
    const bytes = seededBytes(1_000_000, 'upload')
    const headers = { 'content-type': 'application/octet-stream' }
    const before = await startEntrepot(workspace)
    /** Where a `Location` of one run is in another. */
    const url = (entrepot: Entrepot, location: string | null): URL => {
      const { pathname, search } = new URL(location ?? '', 'http://any')
      return new URL(pathname + search, `http://${entrepot.address}`)
    }
    const opened = await fetch(url(before, `/v2/${NAME}/blobs/uploads/`), { method: 'POST' })
    const first = url(before, opened.headers.get('location'))
    const half = await fetch(first, { method: 'PATCH', headers, body: bytes.subarray(0, 600_000) })
    assert.equal(half.status, 202)
    await before.kill()
    const restarted = await startEntrepot(workspace)
    const status = await fetch(url(restarted, half.headers.get('location')))
    assert.equal(status.status, 204)
    assert.equal(status.headers.get('range'), '0-599999')
    const last = url(restarted, status.headers.get('location'))
    last.searchParams.set('digest', digestOf(bytes))
    const closed = await fetch(last, { method: 'PUT', headers, body: bytes.subarray(600_000) })
    assert.equal(closed.status, 201)
    assert.deepEqual(await read(restarted, `blobs/${digestOf(bytes)}`), bytes)
  })
})
