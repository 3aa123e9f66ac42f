import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextRound } from 'node:timers/promises'
import { digestOf } from '../../src/protocol/digest.ts'
import type { UploadState } from '../../src/push/upload-state.ts'
import { bucketOf, UPLOADS_FOLDER } from '../../src/store/paths.ts'
import { seededBytes } from '../support/bytes.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'
import { bodyOf, brokenBody, localRepository, openParts, SlowBody } from './parts.ts'

const REPOSITORY = localRepository('team/app')
const { name: NAME } = REPOSITORY
const BYTES = seededBytes(3_000_000)
const HALF = BYTES.length / 2
const DIGEST = digestOf(BYTES)
const HOUR_MS = 3_600_000

describe('an upload', () => {
  let root: string
  let parts: ReturnType<typeof openParts>

  beforeEach(async () => {
    root = await makeQuickFolder()
    parts = openParts(root)
  })
  afterEach(() => rm(root, { recursive: true }))

  const stream = (bytes: Buffer) => ({ body: bodyOf(bytes), range: undefined })
  const left = (): Promise<string[]> => readdir(join(root, UPLOADS_FOLDER))

  const append = async (state: UploadState, bytes: Buffer): Promise<UploadState> => {
    const { kind, upload } = await parts.uploads.append(state, stream(bytes))
    assert.equal(kind, 'appended')
    return upload
  }

  it('becomes a blob of its repository, and of nobody else', async () => {
    const state = await append(await parts.uploads.start(REPOSITORY), BYTES.subarray(0, HALF))
    await parts.uploads.finish(state, stream(BYTES.subarray(HALF)), DIGEST)
    assert.equal(await parts.links.findBlob(NAME, DIGEST), DIGEST)
    assert.equal(await parts.links.findBlob(localRepository('team/other').name, DIGEST), undefined)
    assert.deepEqual(await parts.blobs.read(DIGEST), BYTES)
    assert.deepEqual(await left(), [])
  })

  it('is found under both names of a sha512 digest, its bytes under one', async () => {
    const digest = digestOf(BYTES, 'sha512')
    const state = await parts.uploads.start(REPOSITORY)
    await parts.uploads.finish(state, stream(BYTES), digest)
    assert.equal(await parts.links.findBlob(NAME, digest), DIGEST)
    assert.equal(await parts.links.findBlob(NAME, DIGEST), DIGEST)
    assert.deepEqual(await parts.blobs.read(DIGEST), BYTES)
  })

  it('is of use when it has become a blob: a manifest that names it may be under way', async () => {
    await parts.uploads.put(REPOSITORY, stream(BYTES), DIGEST)
    assert.notEqual((await parts.uses.read(bucketOf(DIGEST))).get(DIGEST), undefined)
  })

  it('of one request leaves nothing when its client leaves', async () => {
    const body = { body: brokenBody(BYTES), range: undefined }
    await assert.rejects(parts.uploads.put(REPOSITORY, body, DIGEST), { code: 'ECONNRESET' })
    assert.deepEqual(await left(), [])
    assert.equal(await parts.marks.read(NAME), undefined)
  })

  it('takes one request at a time: another is refused and writes nothing', async () => {
    const state = await parts.uploads.start(REPOSITORY)
    const body = new SlowBody()
    const first = parts.uploads.append(state, { body, range: undefined })
    await body.send(BYTES.subarray(0, HALF))
    const second = await parts.uploads.append(state, stream(BYTES))
    assert.equal(second.kind, 'out-of-order')
    body.push(BYTES.subarray(HALF))
    body.end()
    const { kind, upload } = await first
    assert.deepEqual([kind, upload.offset], ['appended', BYTES.length])
    assert.equal((await parts.uploads.finish(upload, stream(Buffer.alloc(0)), DIGEST)).kind, 'finished')
  })

  it('goes to a client who comes back while his dead connection says nothing', async () => {
    const state = await parts.uploads.start(REPOSITORY)
    const body = new SlowBody()
    const dead = parts.uploads.append(state, { body, range: undefined })
    await body.send(BYTES.subarray(0, HALF))
    const rejected = assert.rejects(dead, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    parts.clock.ms += 10_000
    // The first try ends the dead request; what that had left to write shows in the answer.
    const again = await parts.uploads.append(state, stream(BYTES))
    assert.deepEqual([again.kind, again.upload.offset], ['out-of-order', HALF])
    await rejected
    const rest = await append(again.upload, BYTES.subarray(HALF))
    assert.equal((await parts.uploads.finish(rest, stream(Buffer.alloc(0)), DIGEST)).kind, 'finished')
  })

  it('is not given to another process while one writes, and is afterwards', async () => {
    const other = openParts(root, { owner: 'other', alive: new Set(['us', 'other']) })
    const state = await parts.uploads.start(REPOSITORY)
    const body = new SlowBody()
    const first = parts.uploads.append(state, { body, range: undefined })
    await body.send(BYTES.subarray(0, HALF))
    assert.equal((await other.uploads.append(state, stream(BYTES))).kind, 'out-of-order')
    body.end()
    const { upload } = await first
    const moved = await other.uploads.append(upload, stream(BYTES.subarray(HALF)))
    // What the other process wrote, this one has not hashed.
    const finished = await parts.uploads.finish(moved.upload, stream(Buffer.alloc(0)), DIGEST)
    assert.equal(finished.kind, 'finished')
  })

  it('ends its request when it is cancelled', async () => {
    const state = await parts.uploads.start(REPOSITORY)
    const body = new SlowBody()
    const first = parts.uploads.append(state, { body, range: undefined })
    await body.send(BYTES.subarray(0, HALF))
    const rejected = assert.rejects(first)
    await parts.uploads.cancel(state)
    await rejected
    assert.deepEqual(await left(), [])
    await assert.rejects(parts.uploads.find(state), { code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  it('tells how far it has come while it is written', { timeout: 10_000 }, async () => {
    const state = await parts.uploads.start(REPOSITORY)
    const body = new SlowBody()
    const first = parts.uploads.append(state, { body, range: undefined })
    await body.send(BYTES.subarray(0, HALF))
    await body.send(BYTES.subarray(HALF))
    while ((await parts.uploads.find(state)).offset < HALF) await nextRound()
    body.end()
    assert.equal((await first).upload.offset, BYTES.length)
  })

  it('is as good as none where its folder lacks something', async () => {
    const state = await parts.uploads.start(REPOSITORY)
    await rm(join(root, UPLOADS_FOLDER, state.id, 'data'))
    for (const ask of [
      () => parts.uploads.find(state),
      () => parts.uploads.append(state, stream(BYTES)),
      () => parts.uploads.cancel(state),
    ])
      await assert.rejects(ask, { code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  describe('that is old', () => {
    /** Lets an upload lie for some hours. */
    const age = async ({ id }: UploadState, hours: number): Promise<void> => {
      const seconds = Date.now() / 1000 - hours * 3600
      const folder = join(root, UPLOADS_FOLDER, id)
      for (const file of await readdir(folder)) await utimes(join(folder, file), seconds, seconds)
      await utimes(folder, seconds, seconds)
    }

    it('is swept with the mark of its repository, a younger one is not', async () => {
      const old = await parts.uploads.start(REPOSITORY)
      const young = await parts.uploads.start(localRepository('team/young'))
      await age(old, 3)
      await age(young, 1)
      assert.equal(await parts.uploads.sweep(2 * HOUR_MS, false), 1)
      assert.deepEqual(await left(), [young.id])
      assert.equal(await parts.marks.read(NAME), undefined)
      assert.deepEqual(await parts.marks.read(young.name), { kind: 'local', isKept: false })
    })

    it('is only told of in a dry run', async () => {
      const old = await parts.uploads.start(REPOSITORY)
      await age(old, 3)
      assert.equal(await parts.uploads.sweep(2 * HOUR_MS, true), 1)
      assert.deepEqual(await left(), [old.id])
    })

    it('is left alone while somebody writes, here or elsewhere', async () => {
      const here = await parts.uploads.start(REPOSITORY)
      const elsewhere = await parts.uploads.start(REPOSITORY)
      const folder = join(root, UPLOADS_FOLDER, elsewhere.id)
      await rename(join(folder, 'data'), join(folder, 'data.other'))
      const sweeper = openParts(root, { alive: new Set(['us', 'other']) })
      const body = new SlowBody()
      const appended = sweeper.uploads.append(here, { body, range: undefined })
      await body.send(BYTES.subarray(0, HALF))
      await age(here, 3)
      await age(elsewhere, 3)
      assert.equal(await sweeper.uploads.sweep(2 * HOUR_MS, false), 0)
      body.end()
      await appended
    })

    it('is swept where it was never wholly begun, and what is no upload is not', async () => {
      const half = '00000000-0000-4000-8000-000000000000'
      await mkdir(join(root, UPLOADS_FOLDER, half), { recursive: true })
      await mkdir(join(root, UPLOADS_FOLDER, 'lost+found'))
      await writeFile(join(root, UPLOADS_FOLDER, half, 'info'), '{"na')
      await age({ id: half } as UploadState, 3)
      assert.equal(await parts.uploads.sweep(2 * HOUR_MS, false), 1)
      assert.deepEqual(await left(), ['lost+found'])
    })
  })

  it('lies in files that its owner can look at', async () => {
    const state = await append(await parts.uploads.start(REPOSITORY), BYTES)
    const folder = join(root, UPLOADS_FOLDER, state.id)
    assert.deepEqual((await readdir(folder)).sort(), ['data', 'info'])
    assert.deepEqual(await readFile(join(folder, 'data')), BYTES)
  })
})
