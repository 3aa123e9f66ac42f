import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'
import { bodyOf, localRepository, openParts } from './parts.ts'

const REPOSITORY = localRepository('team/app')
const { name: NAME } = REPOSITORY
const BYTES = seededBytes(1000)
const DIGEST = digestOf(BYTES)

describe('the mark of a local repository', () => {
  let root: string
  let parts: ReturnType<typeof openParts>

  beforeEach(async () => {
    root = await makeQuickFolder()
    parts = openParts(root)
  })
  afterEach(() => rm(root, { recursive: true }))

  const chunk = () => ({ body: bodyOf(BYTES), range: undefined })
  const markOnDisk = () => openParts(root).marks.read(NAME)

  it('is on disk when the first upload is accepted, and kept when a blob was stored', async () => {
    const state = await parts.uploads.start(REPOSITORY)
    assert.deepEqual(await markOnDisk(), { kind: 'local', isKept: false })
    await parts.uploads.finish(state, chunk(), DIGEST)
    assert.deepEqual(await markOnDisk(), { kind: 'local', isKept: true })
  })

  it('goes when the only upload is cancelled, or its digest is wrong', async () => {
    await parts.uploads.cancel(await parts.uploads.start(REPOSITORY))
    assert.equal(await markOnDisk(), undefined)
    const state = await parts.uploads.start(REPOSITORY)
    await assert.rejects(parts.uploads.finish(state, chunk(), digestOf('other')), { code: 'DIGEST_INVALID' })
    assert.equal(await markOnDisk(), undefined)
  })

  it('stays while another upload goes on', async () => {
    const first = await parts.uploads.start(REPOSITORY)
    const second = await parts.uploads.start(REPOSITORY)
    await parts.uploads.cancel(first)
    assert.deepEqual(await markOnDisk(), { kind: 'local', isKept: false })
    await parts.uploads.cancel(second)
    assert.equal(await markOnDisk(), undefined)
  })

  it('stays for good once something was stored', async () => {
    await parts.uploads.put(REPOSITORY, chunk(), DIGEST)
    await parts.links.unlinkBlob(NAME, DIGEST)
    await parts.uploads.cancel(await parts.uploads.start(REPOSITORY))
    assert.deepEqual(await markOnDisk(), { kind: 'local', isKept: true })
  })

  it('stays where another process has stored something meanwhile', async () => {
    const state = await parts.uploads.start(REPOSITORY)
    await openParts(root, { owner: 'other' }).uploads.put(REPOSITORY, chunk(), DIGEST)
    await parts.uploads.cancel(state)
    assert.deepEqual(await markOnDisk(), { kind: 'local', isKept: true })
  })

  it('is right for both of two first pushers, whatever order they come in', async () => {
    const one = parts.uploads.put(REPOSITORY, chunk(), DIGEST)
    const other = parts.uploads.start(REPOSITORY).then((state) => parts.uploads.cancel(state))
    await Promise.all([one, other])
    assert.deepEqual(await markOnDisk(), { kind: 'local', isKept: true })
  })
})
