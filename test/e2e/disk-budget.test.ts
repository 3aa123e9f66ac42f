/** A small disk: a mirror keeps its budget under a load of several times as much, and makes room for pushes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Pusher } from '../http/pusher.ts'
import { bufferContent, type Content, seededBytes } from '../support/bytes.ts'
import { listFolder, makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const MB = 1_000_000
const DISK_BYTES = 100 * MB
const LAYER_BYTES = 4 * MB
const IMAGES = 40
const CLIENTS = 4
const NAME = 'library/app'

const isRoot = process.getuid?.() === 0
if (!isRoot && process.env.CI) throw new Error('CI must run every end-to-end test, but only root can mount')

describe('a small disk', {
  skip: isRoot ? false : 'only root can mount a small file system',
  timeout: 240_000,
}, () => {
  let root: string
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let layers: Content[]
  /** What the server's clock is ahead of the machine's, in milliseconds. */
  let aheadMs = 0

  beforeEach(async () => {
    root = await makeFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', root])
    hub = await startScriptedUpstream()
    layers = Array.from({ length: IMAGES }, (_, i) => bufferContent(seededBytes(LAYER_BYTES, `layer ${i}`)))
    for (const [i, layer] of layers.entries()) hub.addImage(NAME, `v${i}`, { layers: [layer], seed: `${i}` })
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
    execFileSync('umount', [root])
    rmdirSync(root)
  })

  const start = async (cache: object): Promise<void> => {
    const local = { repositories: ['team/**'], push: 'anyone' }
    entrepot = await startEntrepot({
      upstream: hub,
      root,
      config: { cache, local },
      now: () => Date.now() + aheadMs,
    })
  }
  const usedBytes = async (): Promise<number> => {
    const { bsize, blocks, bfree } = await statfs(root)
    return bsize * (blocks - bfree)
  }
  /** Pulls an image. @returns whether its layer came from the store */
  const pull = async (i: number): Promise<boolean> => {
    const before = hub.counts.blob
    assert.equal((await entrepot.get(`/v2/${NAME}/manifests/v${i}`)).status, 200)
    const answer = await entrepot.get(`/v2/${NAME}/blobs/${layers[i]?.digest}`)
    assert.deepEqual([answer.status, answer.isCut], [200, false])
    assert.ok(answer.body.equals(seededBytes(LAYER_BYTES, `layer ${i}`)))
    return hub.counts.blob === before
  }
  /** Pulls all images, by several clients at once. @returns the most bytes that were on the disk */
  const pullAll = async (): Promise<number> => {
    let mostBytes = 0
    const waiting = layers.keys()
    const client = async (): Promise<void> => {
      for (const i of waiting) {
        await pull(i)
        mostBytes = Math.max(mostBytes, await usedBytes())
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    return mostBytes
  }

  /** Pulls an image when nothing else goes on. @returns whether the next pull finds it in the store */
  const isKept = async (i: number): Promise<boolean> => {
    aheadMs += 60_000
    await entrepot.settle()
    await pull(i)
    await entrepot.settle()
    return pull(i)
  }

  it('holds no more than cache.maxsize under a load of several times as much, and every pull succeeds', async () => {
    const maxBytes = 40 * MB
    await start({ maxsize: maxBytes, minfree: 0 })
    for (let round = 1; round <= 2; round += 1) {
      const mostBytes = await pullAll()
      // What was evicted while its last client reads is gone a moment later.
      assert.ok(mostBytes < maxBytes + CLIENTS * LAYER_BYTES, `${mostBytes} bytes on the disk`)
    }
    assert.ok(await isKept(0))
    assert.ok((await usedBytes()) < 1.01 * maxBytes)
    assert.deepEqual(await listFolder(root, 'entrepot/partials'), [])
  })

  it('leaves cache.minfree', async () => {
    await start({ minfree: '60%' })
    const mostBytes = await pullAll()
    assert.ok(mostBytes < 0.45 * DISK_BYTES, `${mostBytes} bytes on the disk`)
    assert.ok(await isKept(0))
  })

  it('that is full of mirrored layers has room for pushes, however large', async () => {
    await start({ minfree: 0 })
    await pullAll()
    assert.ok((await usedBytes()) > 0.8 * DISK_BYTES)
    const pusher = new Pusher(entrepot)
    const images = Array.from({ length: 3 }, (_, i) =>
      makeImage({ seed: `pushed ${i}`, layers: [seededBytes(20 * MB, `pushed ${i}`)] }),
    )
    for (const [i, image] of images.entries()) {
      await pusher.image('team/app', `v${i}`, image)
      await pullAll()
    }
    for (const { layers: pushed } of images)
      for (const { digest, sizeBytes } of pushed) {
        const { body } = await entrepot.get(`/v2/team/app/blobs/${digest}`)
        assert.equal(body.length, sizeBytes)
      }
    assert.ok(await isKept(0))
  })
})
