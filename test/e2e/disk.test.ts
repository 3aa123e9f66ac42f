/** A disk that is full, and one that cannot be written: no pull fails for it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Content, seededBytes, seededContent } from '../support/bytes.ts'
import { makeFolder, startEntrepot } from '../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const BLOB_BYTES = 60_000_000
const NAME = 'library/big'

const isRoot = process.getuid?.() === 0
if (!isRoot && process.env.CI) throw new Error('CI must run every end-to-end test, but only root can mount')

describe('a pull', {
  skip: isRoot ? false : 'only root can mount a small file system',
  timeout: 60_000,
}, () => {
  let root: string
  let hub: ScriptedUpstream
  let blob: Content

  beforeEach(async () => {
    root = await makeFolder()
    hub = await startScriptedUpstream()
    blob = hub.addBlob(NAME, seededContent(BLOB_BYTES, 'big'))
    hub.addImage(NAME, 'latest')
  })
  afterEach(async () => {
    await hub.close()
    execFileSync('umount', [root])
    rmdirSync(root)
  })

  const mount = (options: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', root])
  }

  it('of a blob larger than the disk comes whole to everybody who asked', async () => {
    mount('size=20m')
    const entrepot = await startEntrepot({ upstream: hub, root })
    const path = `/v2/${NAME}/blobs/${blob.digest}`
    const answers = await Promise.all([1, 2, 3].map(() => entrepot.get(path)))
    const expected = seededBytes(BLOB_BYTES, 'big')
    for (const { isCut, body } of answers) assert.ok(!isCut && body.equals(expected))
    assert.equal((await entrepot.get(`/v2/${NAME}/manifests/latest`)).status, 200)
    await entrepot.stop()
  })

  it('is never given whole with wrong bytes where it passes through', async () => {
    mount('size=20m')
    const entrepot = await startEntrepot({ upstream: hub, root })
    const isRest = ({ headers }: { headers: { range?: string | undefined } }): boolean =>
      headers.range !== undefined
    hub.fault('blob', { corruptAt: 1000, when: isRest })
    const answer = await entrepot.get(`/v2/${NAME}/blobs/${blob.digest}`)
    assert.ok(answer.isCut)
    assert.ok(answer.body.length < BLOB_BYTES)
    await entrepot.stop()
  })

  it('comes from a server whose disk is read-only', async () => {
    mount('size=20m,ro')
    const entrepot = await startEntrepot({ upstream: hub, root })
    const answer = await entrepot.get(`/v2/${NAME}/blobs/${blob.digest}`)
    assert.ok(answer.body.equals(seededBytes(BLOB_BYTES, 'big')))
    assert.equal((await entrepot.get(`/v2/${NAME}/manifests/latest`)).status, 200)
    await entrepot.stop()
  })
})
