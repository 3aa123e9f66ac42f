/** What a killed process left of a download, whatever it is, ends in the right blob. */
import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { formatFileDigest, OWNERS_PREFIX, PARTIALS_FOLDER } from '../../src/store/paths.ts'
import { type Content, seededBytes } from '../support/bytes.ts'
import { listFolder, makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const SIZE = 300_000
const BYTES = seededBytes(SIZE)
const OTHER = seededBytes(2 * SIZE, 'other')

describe('a partial file of a dead process', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let blob: Content
  let path: string

  beforeEach(async () => {
    hub = await startScriptedUpstream({ redirect: {} })
    blob = hub.addBlob('library/alpine', BYTES)
    path = `/v2/library/alpine/blobs/${blob.digest}`
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
    await rm(entrepot.root, { recursive: true })
  })

  const startWith = async (leftover: Buffer): Promise<void> => {
    const root = await makeFolder()
    await mkdir(join(root, PARTIALS_FOLDER), { recursive: true })
    const name = `${formatFileDigest(blob.digest)}.0123456789abcdef`
    await writeFile(join(root, PARTIALS_FOLDER, name), leftover)
    // The mark of a process that ended since this machine booted.
    const bootedAtMs = Date.now() - uptime() * 1000
    const mark = { host: hostname(), pid: 1, bootedAtMs, renewedAtMs: Date.now(), hasEnded: true }
    await mkdir(join(root, OWNERS_PREFIX))
    await writeFile(join(root, OWNERS_PREFIX, '0123456789abcdef'), JSON.stringify(mark))
    entrepot = await startEntrepot({ upstream: hub, root })
  }

  const assertStored = async (): Promise<void> => {
    await entrepot.settle()
    await hub.stop()
    assert.deepEqual((await entrepot.get(path)).body, BYTES)
    assert.deepEqual(await listFolder(entrepot.root, PARTIALS_FOLDER), [])
  }

  it('is resumed where it ends', async () => {
    await startWith(BYTES.subarray(0, 1000))
    assert.deepEqual((await entrepot.get(path)).body, BYTES)
    assert.equal(hub.requests.find(({ kind }) => kind === 'cdn')?.headers.range, 'bytes=1000-')
    await assertStored()
  })

  it('is kept without a download where it is whole: the kill came before the final name', async () => {
    await startWith(BYTES)
    const answer = await entrepot.get(path)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, BYTES)
    assert.equal(hub.counts.cdn, 0)
    await assertStored()
  })

  it('opens nothing, whole as it is, in a repository that does not have the blob', async () => {
    await startWith(BYTES)
    assert.equal((await entrepot.get(`/v2/library/other/blobs/${blob.digest}`)).status, 404)
  })

  const useless: readonly (readonly [string, Buffer])[] = [
    ['of other bytes', OTHER.subarray(0, 1000)],
    ['of other bytes and the right length', OTHER.subarray(0, SIZE)],
    ['longer than the blob', OTHER],
  ]
  for (const [name, leftover] of useless)
    it(`${name} is thrown away: no client gets it whole, and the next gets the blob`, async () => {
      await startWith(leftover)
      const first = await entrepot.get(path)
      assert.ok(first.isCut || first.status === 502 || first.body.equals(BYTES))
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
      await assertStored()
    })
})
