import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { StorageError } from '../../src/store/driver.ts'
import type { MakeRoom } from '../../src/store/room.ts'
import { certainlySyncedBytes, type SlabTarget, SlabWriter, SYNC_EVERY_BYTES } from '../../src/store/slabs.ts'
import { seededBytes } from '../support/bytes.ts'
import fc from '../support/fast-check.ts'

const MIB = 1024 * 1024

/** A file in memory. Writes and syncs are what `onWrite` and `onSync` make of them. */
class MemoryTarget implements SlabTarget {
  readonly chunks: Buffer[] = []
  written = 0
  writes = 0
  /** Bytes that a finished sync has covered. */
  synced = 0
  onWrite: () => Promise<void> = async () => {}
  onSync: () => Promise<void> = async () => {}

  async append(chunks: readonly Buffer[]): Promise<void> {
    await this.onWrite()
    this.writes += 1
    for (const chunk of chunks) {
      this.chunks.push(chunk)
      this.written += chunk.length
    }
  }

  async sync(): Promise<void> {
    const covered = this.written
    await this.onSync()
    this.synced = Math.max(this.synced, covered)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const full = new StorageError('full', 'no space left')

const createWriter = (target: MemoryTarget, makeRoom?: MakeRoom) =>
  new SlabWriter(target, createHash('sha256'), makeRoom)

/** A gate that a test opens. */
const createGate = (): { opened: Promise<void>; open: () => void } => {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

describe('a slab writer', () => {
  it('writes chunks that lie side by side in memory as one, and others apart', async () => {
    const target = new MemoryTarget()
    const writer = createWriter(target)
    const bytes = seededBytes(300_000)
    // The first chunk is written at once, the others together.
    for (const [from, to] of [
      [0, 10],
      [10, 100_000],
      [100_000, 200_000],
      [200_001, 300_000],
    ] as const)
      void writer.add(bytes.subarray(from, to))
    await writer.flush()
    assert.deepEqual(
      target.chunks.map(({ length }) => length),
      [10, 199_990, 99_999],
    )
    assert.deepEqual(target.bytes, Buffer.concat([bytes.subarray(0, 200_000), bytes.subarray(200_001)]))
  })

  it('writes all bytes in order, and hashes exactly those', async () => {
    const check = async (chunks: Uint8Array[]): Promise<void> => {
      const target = new MemoryTarget()
      const writer = createWriter(target)
      for (const chunk of chunks) await writer.add(Buffer.from(chunk))
      await writer.finish()
      assert.deepEqual(target.bytes, Buffer.concat(chunks))
      assert.equal(writer.hash.copy().digest('hex'), sha256(Buffer.concat(chunks)))
    }
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 })), check), { numRuns: 50 })
  })

  it('writes the first bytes at once', async () => {
    const target = new MemoryTarget()
    const writer = createWriter(target)
    const wrote = new Promise<void>((resolve) => {
      target.onWrite = async () => resolve()
    })
    await writer.add(Buffer.from('first'))
    await wrote
    await writer.finish()
  })

  it('gathers what follows into large writes', async () => {
    const target = new MemoryTarget()
    const writer = createWriter(target)
    const bytes = seededBytes(16 * MIB)
    for (let at = 0; at < bytes.length; at += 16 * 1024) await writer.add(bytes.subarray(at, at + 16 * 1024))
    await writer.finish()
    assert.ok(target.bytes.equals(bytes))
    assert.ok(target.writes < 200, `${target.writes} writes`)
  })

  it('writes what came during a write though nothing more comes', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const target = new MemoryTarget()
    const writer = createWriter(target)
    const gate = createGate()
    target.onWrite = () => gate.opened
    await writer.add(Buffer.from('one'))
    await writer.add(Buffer.from('two'))
    // The bytes have waited long enough, but the first write is still under way.
    mock.timers.tick(1000)
    const wroteAgain = new Promise<void>((resolve) => {
      target.onWrite = async () => resolve()
    })
    gate.open()
    await new Promise((resolve) => setImmediate(resolve))
    mock.timers.tick(1000)
    await wroteAgain
    await writer.finish()
    assert.equal(target.bytes.toString(), 'onetwo')
  })

  it('takes no more than a slab or two while a write is under way', async () => {
    const target = new MemoryTarget()
    const gate = createGate()
    target.onWrite = () => gate.opened
    const writer = createWriter(target)
    let taken = 0
    const adding = (async () => {
      for (let i = 0; i < 64; i += 1) {
        await writer.add(Buffer.alloc(256 * 1024))
        taken += 256 * 1024
      }
    })()
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(taken <= 2 * MIB, `${taken} bytes`)
    gate.open()
    await adding
    await writer.finish()
    assert.equal(target.written, 16 * MIB)
  })

  it('keeps the hash at what is written when a write fails, and tells the next caller', async () => {
    const target = new MemoryTarget()
    const writer = createWriter(target)
    await writer.add(Buffer.from('written'))
    await writer.flush()
    target.onWrite = () => Promise.reject(full)
    await writer.add(Buffer.from(' lost'))
    await assert.rejects(writer.flush(), full)
    await assert.rejects(async () => writer.add(Buffer.from(' more')), full)
    await writer.abandon()
    assert.equal(writer.hash.copy().digest('hex'), sha256(Buffer.from('written')))
    assert.equal(target.bytes.toString(), 'written')
  })

  it('drops what is not written when it is abandoned', async () => {
    const target = new MemoryTarget()
    const writer = createWriter(target)
    await writer.add(Buffer.from('written'))
    await writer.add(Buffer.from(' dropped'))
    await writer.abandon()
    assert.equal(target.bytes.toString(), 'written')
    assert.equal(writer.hash.copy().digest('hex'), sha256(Buffer.from('written')))
  })

  it('asks for room when the disk is full, and writes then, once', async () => {
    const target = new MemoryTarget()
    let asked = 0
    target.onWrite = () => Promise.reject(full)
    const writer = createWriter(target, async (bytes) => {
      assert.equal(bytes, 5)
      asked += 1
      target.onWrite = async () => {}
      return true
    })
    await writer.add(Buffer.from('bytes'))
    await writer.finish()
    assert.equal(target.bytes.toString(), 'bytes')
    assert.equal(writer.hash.copy().digest('hex'), sha256(Buffer.from('bytes')))
    assert.equal(asked, 1)
  })

  it('asks for no room when something else is wrong', async () => {
    const target = new MemoryTarget()
    target.onWrite = () => Promise.reject(new StorageError('io', 'EIO'))
    const writer = createWriter(target, () => assert.fail('asked for room'))
    await writer.add(Buffer.from('bytes'))
    await assert.rejects(writer.finish(), /EIO/)
  })
})

describe('the syncs of a slab writer', () => {
  it('have always reached what is certainly synced, wherever the writer is stopped', async () => {
    const target = new MemoryTarget()
    // As late as a sync can end.
    let endSync = (): void => {}
    target.onSync = () =>
      new Promise((resolve) => {
        endSync = resolve
      })
    const writer = createWriter(target)
    const chunk = Buffer.alloc(700_001)
    const end = 6 * SYNC_EVERY_BYTES
    let hasEnded = false
    const writing = (async () => {
      while (target.written < end) await writer.add(chunk)
      hasEnded = true
    })()
    while (!hasEnded) {
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(
        target.synced >= certainlySyncedBytes(target.written),
        `${target.synced} synced of ${target.written}`,
      )
      const before = target.written
      await new Promise((resolve) => setImmediate(resolve))
      if (target.written === before) endSync()
    }
    await writing
    const finishing = writer.finish()
    while (target.synced < end) {
      endSync()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await finishing
  })

  it('do not keep the end of the writes waiting', async () => {
    const target = new MemoryTarget()
    const gate = createGate()
    target.onSync = () => gate.opened
    const writer = createWriter(target)
    await writer.add(Buffer.alloc(SYNC_EVERY_BYTES))
    await writer.flush()
    assert.equal(target.written, SYNC_EVERY_BYTES)
    gate.open()
    await writer.finish()
    assert.equal(target.synced, SYNC_EVERY_BYTES)
  })

  it('tell of a failure at the end, or when more comes', async () => {
    const target = new MemoryTarget()
    target.onSync = () => Promise.reject(new StorageError('io', 'EIO'))
    const writer = createWriter(target)
    await writer.add(Buffer.alloc(SYNC_EVERY_BYTES))
    await writer.flush()
    await assert.rejects(writer.finish(), /EIO/)
    await assert.rejects(async () => writer.add(Buffer.from('more')), /EIO/)
    await writer.abandon()
  })

  it('cover what an earlier writer left, when they are asked to', async () => {
    const target = new MemoryTarget()
    target.written = 10
    const writer = createWriter(target)
    writer.startSync()
    await writer.finish()
    assert.equal(target.synced, 10)
  })
})

describe('what is certainly synced', () => {
  it('is whole pieces, and never the last two', () => {
    const piece = SYNC_EVERY_BYTES
    for (const [size, synced] of [
      [0, 0],
      [piece - 1, 0],
      [piece, 0],
      [2 * piece - 1, 0],
      [2 * piece, piece],
      [3 * piece - 1, piece],
      [3 * piece, 2 * piece],
    ] as const)
      assert.equal(certainlySyncedBytes(size), synced)
  })
})
