import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Admission } from '../../src/fetch/plan.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { StorageError } from '../../src/store/driver.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { type BlobAnswer, Halt } from '../support/blob-upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { FlightBench } from '../support/flight-bench.ts'

const SIZE = 100_000
const BYTES = seededBytes(SIZE)
/** What is kept in memory of the beginning of a blob: the first chunk that comes. */
const IN_MEMORY = 4096

/** A disk that says whether it takes anything, and notes how often the upstream had been asked by then. */
class Gatekeeper implements Admission {
  readonly askedBefore: number[] = []
  isFull = false
  bench: FlightBench | undefined

  async admit(): Promise<void> {
    this.askedBefore.push(this.bench?.upstream.asked.length ?? 0)
    if (this.isFull) throw new StorageError('budget', 'told to be')
  }

  requireFit(_plan: unknown, sizeBytes: number | undefined): void {
    if ((sizeBytes ?? 0) > SIZE) throw new StorageError('budget', 'larger than everything')
  }
}

const onBench = async (
  answers: readonly BlobAnswer[],
  work: (bench: FlightBench, admission: Gatekeeper) => Promise<void>,
): Promise<void> => {
  const admission = new Gatekeeper()
  const bench = await FlightBench.create({ bytes: BYTES, answers, tools: { admission } })
  admission.bench = bench
  try {
    await work(bench, admission)
  } finally {
    await bench.end()
  }
}

/** Looks what is there, as every fetch does. */
const look = (bench: FlightBench): Promise<number> => bench.partials.measureLeft(() => false)

describe('a fetch of what nobody had left anything of a moment ago', () => {
  it('asks the upstream once, and before the disk is asked', () =>
    onBench([], async (bench, { askedBefore }) => {
      await look(bench)
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.deepEqual(askedBefore, [1])
      assert.equal(bench.upstream.asked.length, 1)
    }))

  it('is told by the first answer that the upstream has no such blob', () =>
    onBench([{ fails: new UpstreamError('absent', 'answered 404') }], async (bench) => {
      await look(bench)
      await assert.rejects(bench.start().flight.answered, { kind: 'absent' })
      assert.equal(bench.upstream.asked.length, 1)
    }))

  it('goes on where the answer breaks off', () =>
    onBench([{ dropAt: 40_000 }], async (bench) => {
      await look(bench)
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.deepEqual(
        bench.upstream.asked.map(({ from }) => from),
        [0, 40_000],
      )
    }))

  it('begins at the first byte where another process has left something since, and leaves that alone', () =>
    onBench([], async (bench, { askedBefore }) => {
      await look(bench)
      await writeFile(bench.partialPath('dead'), BYTES.subarray(0, 40_000))
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.deepEqual([askedBefore, bench.upstream.asked.map(({ from }) => from)], [[1], [0]])
      assert.equal((await readFile(bench.partialPath('dead'))).length, 40_000)
    }))

  it('stores a blob without a byte, too', async () => {
    const bench = await FlightBench.create({ bytes: Buffer.alloc(0) })
    await look(bench)
    assert.equal(await bench.start().flight.ended, true)
    await bench.end()
  })

  it('goes on at the upstream where the disk takes nothing, and then the disk is asked first', () =>
    onBench([], async (bench, admission) => {
      admission.isFull = true
      for (let i = 0; i < 2; i += 1) {
        await look(bench)
        const { flight } = bench.start()
        assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
        await flight.ended
      }
      // The first fetch, its reader once it had what was in memory, and the second reader.
      assert.deepEqual(
        bench.upstream.asked.map(({ from }) => from),
        [0, IN_MEMORY, 0],
      )
      assert.deepEqual(admission.askedBefore, [1, 2])
    }))

  it('has nothing removed on the disk where it is the budget that takes nothing', async () => {
    const admission = new Gatekeeper()
    admission.isFull = true
    let removals = 0
    const makeRoom = async (): Promise<boolean> => {
      removals += 1
      return true
    }
    const bench = await FlightBench.create({ bytes: BYTES, tools: { admission, makeRoom } })
    await look(bench)
    assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
    assert.deepEqual([admission.askedBefore.length, removals], [1, 0])
    await bench.end()
  })

  it('is stored once room has been made on a disk that was full', async () => {
    const benches: FlightBench[] = []
    const makeRoom = async (): Promise<boolean> => {
      benches[0]?.disk.mend()
      return true
    }
    const bench = await FlightBench.create({ bytes: BYTES, tools: { makeRoom } })
    benches.push(bench)
    bench.disk.fail('open', 'ENOSPC')
    await look(bench)
    const { flight } = bench.start()
    assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
    assert.equal(await flight.ended, true)
    assert.equal(bench.upstream.asked.length, 1)
    await bench.end()
  })

  it('asks the disk first where that has taken nothing of another blob just before', () =>
    onBench([], async (bench, admission) => {
      admission.isFull = true
      await look(bench)
      await bench.start().flight.ended
      await look(bench)
      await bench.start({ digest: digestOf('another') }).flight.ended
      assert.deepEqual(admission.askedBefore, [1, 1])
    }))

  it('asks the upstream for nothing that is known to be too large', () =>
    onBench([], async (bench, { askedBefore }) => {
      await look(bench)
      const { flight } = bench.start({ sizeBytes: SIZE + 1 })
      await flight.answered
      assert.deepEqual([askedBefore, bench.upstream.asked], [[], []])
    }))

  it('ends with the server, though nobody has read the answer yet', () =>
    onBench([], async (bench) => {
      await look(bench)
      const { flight } = bench.start()
      await bench.flights.close()
      assert.equal(await flight.ended, false)
    }))
})

describe('a fetch of what may be here', () => {
  it('asks the disk first where nobody has looked', () =>
    onBench([], async (bench, { askedBefore }) => {
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.deepEqual(askedBefore, [0])
    }))

  it('goes on with what a fetch leaves that is just ending', async () => {
    const halt = new Halt(40_000)
    const bench = await FlightBench.create({ bytes: BYTES, answers: [{ halt }], tools: { abandons: true } })
    await look(bench)
    const { flight } = bench.start()
    await halt.met
    while (flight.writtenBytes < 40_000) await nextTurn()
    await flight.open('a')?.close()
    assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
    assert.deepEqual(
      bench.upstream.asked.map(({ from }) => from),
      [0, 40_000],
    )
    await bench.end()
  })

  it('asks the disk first where nobody has looked for some seconds', (test) =>
    onBench([], async (bench, { askedBefore }) => {
      await look(bench)
      const laterMs = performance.now() + 6000
      test.mock.method(performance, 'now', () => laterMs)
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.deepEqual(askedBefore, [0])
    }))

  it('goes on with what another process had begun when somebody looked', () =>
    onBench([], async (bench) => {
      await writeFile(bench.partialPath('dead'), BYTES.subarray(0, 40_000))
      await look(bench)
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.equal(bench.upstream.asked[0]?.from, 40_000)
    }))

  it('goes on with what it left itself, and asks for no more than the rest', () =>
    onBench([{ dropAt: 40_000 }, { fails: new UpstreamError('absent', 'gone') }], async (bench) => {
      await look(bench)
      await bench.start().flight.ended
      assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
      assert.deepEqual(
        bench.upstream.asked.map(({ from }) => from),
        [0, 40_000, 40_000],
      )
    }))
})
