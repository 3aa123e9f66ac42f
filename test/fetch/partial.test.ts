import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Partial, type PartialRead } from '../../src/fetch/partial.ts'
import { GrowingFile } from '../../src/store/growing-file.ts'
import { makeFolder } from '../support/entrepot.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'

const BYTES = Buffer.from('0123456789')

describe('a partial', () => {
  let folder: string
  let disk: FaultyDisk
  let partial: Partial

  const openPartial = async (name: string, keepBytes: number): Promise<Partial> => {
    const path = join(folder, name)
    const opened = new Partial(path, () => GrowingFile.open(path, keepBytes, disk.open))
    await opened.open()
    return opened
  }

  beforeEach(async () => {
    folder = await makeFolder()
    disk = new FaultyDisk()
    partial = await openPartial('partial', 0)
  })
  afterEach(async () => {
    if (!partial.isClosed) await partial.release()
    await rm(folder, { recursive: true })
    assert.equal(disk.openFiles, 0)
  })

  const read = (position: number, isClosed = false): Promise<PartialRead & { text?: string }> => {
    const buffer = Buffer.alloc(100)
    return partial
      .read(buffer, position, 100, () => isClosed)
      .then((found) =>
        found.kind === 'bytes' ? { ...found, text: buffer.toString('utf8', 0, found.length) } : found,
      )
  }

  it('gives what is there but for the last byte, until it is sealed', async () => {
    await partial.append([BYTES])
    assert.deepEqual(await read(0), { kind: 'bytes', length: 9, text: '012345678' })
    const last = read(9)
    partial.seal()
    assert.deepEqual(await last, { kind: 'bytes', length: 1, text: '9' })
    assert.deepEqual(await read(10), { kind: 'end' })
  })

  it('holds back only the end of the whole where the size is known', async () => {
    partial.expect(12)
    await partial.append([BYTES])
    assert.deepEqual(await read(0), { kind: 'bytes', length: 10, text: '0123456789' })
    assert.equal(partial.missingBytes, 2)
    const next = read(10)
    await partial.append([Buffer.from('ab')])
    assert.deepEqual(await next, { kind: 'bytes', length: 1, text: 'a' })
  })

  it('wakes all who wait, each at its own place', async () => {
    const reads = [read(0), read(3), read(6)]
    await partial.append([BYTES])
    assert.deepEqual(
      (await Promise.all(reads)).map((found) => found.text),
      ['012345678', '345678', '678'],
    )
  })

  it('tells who reads to its end that it has stopped there', async () => {
    await partial.append([BYTES])
    partial.stop()
    assert.deepEqual(await read(0), { kind: 'bytes', length: 10, text: '0123456789' })
    assert.deepEqual(await read(10), { kind: 'stopped' })
  })

  it('gives what came before it failed, and then the failure', async () => {
    await partial.append([BYTES])
    const waiting = read(9)
    const failure = new Error('the upstream gave up')
    partial.fail(failure)
    await assert.rejects(waiting, failure)
    assert.deepEqual(await read(5), { kind: 'bytes', length: 4, text: '5678' })
    await assert.rejects(read(9), failure)
  })

  it('stays what it has become', async () => {
    await partial.append([BYTES])
    partial.seal()
    partial.fail(new Error('too late'))
    assert.equal(partial.state, 'sealed')
    assert.deepEqual(await read(9), { kind: 'bytes', length: 1, text: '9' })
  })

  it('counts nothing of a write that failed, and can go on', async () => {
    disk.freeBytes = 4
    await assert.rejects(partial.append([BYTES]), { name: 'StorageError', kind: 'full' })
    assert.equal(partial.written, 0)
    disk.mend()
    await partial.append([BYTES.subarray(0, 3), BYTES.subarray(3, 7), BYTES.subarray(7)])
    partial.seal()
    assert.deepEqual(await read(0), { kind: 'bytes', length: 10, text: '0123456789' })
  })

  it('gives its first bytes while they are being written, and keeps them where they were', async () => {
    const received = Buffer.from(BYTES)
    partial.expect(20)
    const writing = partial.append([received])
    assert.equal(partial.written, 0)
    assert.deepEqual(await read(0), { kind: 'bytes', length: 10, text: '0123456789' })
    await writing
    received.fill('x')
    disk.fail('read', 'EIO')
    assert.deepEqual(await read(2), { kind: 'bytes', length: 8, text: '23456789' })
  })

  it('gives but for the last byte what the disk did not take, for all that it may be the whole blob', async () => {
    disk.freeBytes = 4
    await assert.rejects(partial.append([BYTES]), { kind: 'full' })
    partial.stop()
    assert.deepEqual(await read(0), { kind: 'bytes', length: 9, text: '012345678' })
    assert.deepEqual(await read(9), { kind: 'stopped' })
    partial.expect(12)
    assert.deepEqual(await read(9), { kind: 'bytes', length: 1, text: '9' })
    assert.deepEqual(await read(10), { kind: 'stopped' })
  })

  it('writes on where the disk took a part of a write', async () => {
    disk.mostBytesAtOnce = 3
    await partial.append([BYTES.subarray(0, 2), BYTES.subarray(2, 8), BYTES.subarray(8)])
    partial.seal()
    assert.deepEqual(await read(0), { kind: 'bytes', length: 10, text: '0123456789' })
  })

  it('does not take a file that lost its bytes for one that has ended', async () => {
    await partial.append([BYTES.subarray(0, 2)])
    await partial.append([BYTES.subarray(2)])
    partial.seal()
    await truncate(partial.path, 4)
    assert.deepEqual(await read(0), { kind: 'bytes', length: 4, text: '0123' })
    await assert.rejects(read(4), { name: 'StorageError', kind: 'io' })
  })

  it('reads back all that was written, in the order it was', async () => {
    await partial.append([BYTES])
    const hash = createHash('sha256')
    await partial.hashInto(hash)
    assert.equal(hash.digest('hex'), createHash('sha256').update(BYTES).digest('hex'))
    const controller = new AbortController()
    controller.abort(new Error('no longer wanted'))
    await assert.rejects(partial.hashInto(createHash('sha256'), controller.signal), /no longer wanted/)
  })

  it('is open until the last of those who use it has released it', async () => {
    await partial.append([BYTES])
    partial.seal()
    partial.retain()
    await partial.release()
    assert.equal((await read(0)).kind, 'bytes')
    await partial.release()
    assert.ok(partial.isClosed)
    assert.equal(disk.openFiles, 0)
  })

  it('is not opened half', async () => {
    await (await openPartial('other', 0)).release()
    disk.fail('truncate', 'EIO')
    await assert.rejects(openPartial('other', 1), { name: 'StorageError' })
    assert.equal(disk.openFiles, 1, 'but for the one of every test')
    disk.mend()
  })
})
