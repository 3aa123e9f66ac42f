import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { SYNC_EVERY_BYTES } from '../../src/store/slabs.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { type BlobAnswer, Halt } from '../support/blob-upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { FlightBench, readToEnd } from '../support/flight-bench.ts'

const SIZE = 100_000
/** Where the disk is full. */
const FULL_AT = 33_000
const BYTES = seededBytes(SIZE)

const onBench = async (
  options: { answers?: readonly BlobAnswer[]; makeRoom?: (bytes: number) => Promise<boolean> },
  work: (bench: FlightBench) => Promise<void>,
): Promise<void> => {
  const { answers = [], makeRoom } = options
  const bench = await FlightBench.create({ bytes: BYTES, answers, tools: makeRoom ? { makeRoom } : {} })
  try {
    await work(bench)
  } finally {
    await bench.end()
  }
}

const isCorrupt = (error: unknown): boolean => error instanceof UpstreamError && error.kind === 'corrupt'

/** A flight that stands at the end, and whose file ends at {@link FULL_AT}. */
const HALF_WRITTEN: BlobAnswer = { chunkBytes: 1000 }

describe('a disk that is full in the middle of a fetch', () => {
  it('fails no reader: each goes on with a transfer of its own from there, and nothing is stored', () =>
    onBench({ answers: [HALF_WRITTEN] }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      const { flight } = bench.start()
      const reads = await Promise.all([bench.readAll(flight), bench.readAll(flight), bench.readAll(flight)])
      for (const { bytes, error } of reads) {
        assert.equal(error, undefined)
        assert.deepEqual(bytes, BYTES)
      }
      assert.equal(await flight.ended, false)
      assert.deepEqual([bench.upstream.asked.length, bench.upstream.stats], [4, 0])
      const [first, ...others] = bench.upstream.asked.map(({ from }) => from)
      assert.equal(first, 0)
      for (const from of others) assert.ok(from > 0 && from <= FULL_AT, `from ${from}`)
      assert.deepEqual([await bench.readStored(), await bench.listPartials()], [undefined, []])
    }))

  it('does not let a wrong blob through: the hash goes on, and the last bytes are held back', () =>
    onBench({ answers: [HALF_WRITTEN, { wrongAt: SIZE - 5 }] }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      const { bytes, error } = await bench.readAll(bench.start().flight)
      assert.ok(isCorrupt(error), String(error))
      assert.ok(bytes.length < SIZE)
    }))

  it('does not let a blob through whose beginning was wrong', () =>
    onBench({ answers: [{ ...HALF_WRITTEN, wrongAt: 5 }] }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      const { bytes, error } = await bench.readAll(bench.start().flight)
      assert.ok(isCorrupt(error), String(error))
      assert.ok(bytes.length < SIZE)
    }))

  for (const [what, chunkBytes] of [
    ['a part of the first bytes', 1000],
    ['a part of all bytes, which came at once', SIZE],
  ] as const) {
    it(`lets a reader go on that has more than it took: ${what}`, () =>
      onBench({ answers: [{ chunkBytes }] }, async (bench) => {
        bench.disk.freeBytes = 500
        assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      }))

    it(`does not let a blob through whose beginning was wrong, where it took ${what}`, () =>
      onBench({ answers: [{ chunkBytes, wrongAt: 5 }] }, async (bench) => {
        bench.disk.freeBytes = 500
        const { bytes, error } = await bench.readAll(bench.start().flight)
        assert.ok(isCorrupt(error), String(error))
        assert.ok(bytes.length < SIZE)
      }))
  }

  it('resumes what a reader goes on with when that drops', () =>
    onBench(
      { answers: [HALF_WRITTEN, { dropAt: 60_000 }, { ignoresRange: true, dropAt: 80_000 }] },
      async (bench) => {
        bench.disk.freeBytes = FULL_AT
        assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      },
    ))

  it('lets a part that begins behind the end of the file be read, too', () =>
    onBench({ answers: [HALF_WRITTEN] }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      const { flight } = bench.start()
      assert.deepEqual((await bench.readAll(flight, 90_000)).bytes, BYTES.subarray(90_000))
    }))

  it('keeps a failure a failure, however often one reads on', () =>
    onBench({ answers: [HALF_WRITTEN, { wrongAt: SIZE - 5 }] }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      const { flight } = bench.start()
      await flight.answered
      const reader = flight.open('a')!
      const buffer = Buffer.alloc(SIZE)
      let position = 0
      const readOn = async (): Promise<void> => {
        for (;;) {
          const length = await reader.read(buffer, position, SIZE)
          assert.notEqual(length, 0, 'a failure looks like the end')
          position += length
        }
      }
      for (let i = 0; i < 3; i += 1) await assert.rejects(readOn(), isCorrupt)
      await reader.close()
    }))

  it('is asked for room once a write, and the write is tried again', async () => {
    const asked: number[] = []
    let bench: FlightBench | undefined
    const makeRoom = async (bytes: number): Promise<boolean> => {
      asked.push(bytes)
      bench!.disk.freeBytes = Number.POSITIVE_INFINITY
      return true
    }
    await onBench({ answers: [HALF_WRITTEN], makeRoom }, async (made) => {
      bench = made
      bench.disk.freeBytes = FULL_AT
      const { flight } = bench.start()
      assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
      assert.equal(await flight.ended, true)
      assert.deepEqual(await bench.readStored(), BYTES)
      assert.equal(bench.upstream.asked.length, 1)
      assert.equal(asked.length, 1)
      assert.ok(asked[0]! >= SIZE - FULL_AT, 'for all that is missing')
    })
  })

  it('stops the flight when room was promised and there is none', async () => {
    let asked = 0
    const makeRoom = async (): Promise<boolean> => {
      asked += 1
      return true
    }
    await onBench({ answers: [HALF_WRITTEN], makeRoom }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      const { flight } = bench.start()
      assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
      assert.equal(await flight.ended, false)
      assert.equal(asked, 1)
    })
  })

  it('takes the whole of the next fetch when there is room again', () =>
    onBench({ answers: [HALF_WRITTEN] }, async (bench) => {
      bench.disk.freeBytes = FULL_AT
      await bench.start().flight.ended
      bench.disk.freeBytes = Number.POSITIVE_INFINITY
      assert.equal(await bench.start().flight.ended, true)
      assert.deepEqual(await bench.readStored(), BYTES)
    }))
})

describe('a disk that fails in the middle of a fetch', () => {
  for (const [what, errno] of [
    ['is read-only', 'EROFS'],
    ['fails to write', 'EIO'],
  ] as const)
    it(`because it ${what} fails no reader`, async () => {
      const halt = new Halt(FULL_AT)
      await onBench({ answers: [{ halt }] }, async (bench) => {
        const { flight } = bench.start()
        await halt.met
        bench.disk.fail('writev', errno)
        const read = bench.readAll(flight)
        halt.open()
        assert.deepEqual((await read).bytes, BYTES)
        assert.equal(await flight.ended, false)
      })
    })

  it('because it cannot sync what was written fails no reader, and nothing is stored', async () => {
    const large = seededBytes(3 * SYNC_EVERY_BYTES)
    const bench = await FlightBench.create({ bytes: large, answers: [{ chunkBytes: 1024 * 1024 }] })
    bench.disk.fail('datasync', 'EIO')
    const { flight } = bench.start()
    const { bytes, error } = await bench.readAll(flight)
    assert.equal(error, undefined)
    assert.ok(bytes.equals(large))
    assert.equal(await flight.ended, false)
    assert.deepEqual([await bench.readStored(), await bench.listPartials()], [undefined, []])
    await bench.end()
  })

  it('because it cannot sync the end keeps nothing back, and stores nothing', async () => {
    const large = seededBytes(SYNC_EVERY_BYTES)
    const bench = await FlightBench.create({ bytes: large, answers: [{ chunkBytes: 1024 * 1024 }] })
    bench.disk.fail('datasync', 'EIO')
    const { flight } = bench.start()
    assert.ok((await bench.readAll(flight)).bytes.equals(large))
    assert.equal(await flight.ended, false)
    assert.equal(bench.upstream.asked.length, 1)
    assert.equal(await bench.readStored(), undefined)
    await bench.end()
  })

  it('because it cannot drop what was left, and is wrong, gives nobody that', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), Buffer.alloc(SIZE))
      bench.disk.fail('truncate', 'EIO')
      const { flight } = bench.start()
      const { bytes, error } = await bench.readAll(flight)
      assert.equal(error, undefined)
      assert.deepEqual(bytes, BYTES)
      assert.equal(await flight.ended, false)
      assert.equal(await bench.readStored(), undefined)
    }))

  it('because it cannot close a file does not end the process, nor what was read', () =>
    onBench({}, async (bench) => {
      bench.disk.fail('close', 'EIO')
      const { flight } = bench.start()
      assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
      assert.equal(await flight.ended, true)
    }))
})

describe('a disk that cannot be written at all', () => {
  it('lets every reader have the blob from the upstream, verified', () =>
    onBench({}, async (bench) => {
      bench.disk.fail('open', 'EROFS')
      const { flight } = bench.start()
      const reads = await Promise.all([bench.readAll(flight), bench.readAll(flight)])
      for (const { bytes } of reads) assert.deepEqual(bytes, BYTES)
      assert.equal(flight.sizeBytes, SIZE)
      assert.deepEqual([bench.upstream.stats, bench.upstream.asked.length], [1, 2])
    }))

  it('holds the last bytes back from them', () =>
    onBench({ answers: [{ wrongAt: SIZE - 1 }] }, async (bench) => {
      bench.disk.fail('open', 'EROFS')
      const { bytes, error } = await bench.readAll(bench.start().flight)
      assert.ok(isCorrupt(error), String(error))
      assert.ok(bytes.length < SIZE)
    }))

  it('gives the absence of a blob as the answer', () =>
    onBench({}, async (bench) => {
      bench.disk.fail('open', 'EROFS')
      bench.upstream.saysSize = 'absent'
      await assert.rejects(bench.start().flight.answered, { kind: 'absent' })
    }))

  it('is asked for room before', async () => {
    let bench: FlightBench | undefined
    const makeRoom = async (): Promise<boolean> => {
      bench!.disk.mend()
      return true
    }
    await onBench({ makeRoom }, async (made) => {
      bench = made
      bench.disk.fail('open', 'ENOSPC')
      assert.equal(await bench.start().flight.ended, true)
    })
  })

  it('ends the transfer of a reader that leaves', async () => {
    const halt = new Halt(FULL_AT)
    await onBench({ answers: [{ halt }] }, async (bench) => {
      bench.disk.fail('open', 'EROFS')
      const { flight } = bench.start()
      await flight.answered
      const reader = flight.open('a')!
      const read = readToEnd(reader)
      await halt.met
      await reader.close()
      assert.ok((await read).error !== undefined)
      assert.equal(bench.upstream.openBodies, 0)
    })
  })
})
