import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readUpstream, type SourceOptions } from '../../src/fetch/source.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { type BlobAnswer, BlobUpstream, Halt } from '../support/blob-upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import fc from '../support/fast-check.ts'
import { FlightBench, sleepingClock } from '../support/flight-bench.ts'

const SIZE = 1000
const BYTES = seededBytes(SIZE)

/** Reads what `options` say from an upstream with this script. */
const readScripted = async (
  answers: readonly BlobAnswer[],
  options: Partial<SourceOptions> = {},
  bytes = BYTES,
): Promise<{ upstream: BlobUpstream; bytes: Buffer; error: unknown }> => {
  const upstream = new BlobUpstream(bytes, answers)
  const chunks: Buffer[] = []
  let error: unknown
  try {
    const source = readUpstream({
      upstream,
      name: 'library/alpine',
      digest: upstream.digest,
      from: 0,
      priority: () => 'client',
      signal: new AbortController().signal,
      clock: sleepingClock(),
      ...options,
    })
    for await (const chunk of source) chunks.push(chunk)
  } catch (thrown) {
    error = thrown
  }
  assert.equal(upstream.openBodies, 0, 'a body is left open')
  return { upstream, bytes: Buffer.concat(chunks), error }
}

const kindOf = (error: unknown): string | undefined =>
  error instanceof UpstreamError ? error.kind : undefined

describe('the bytes of an upstream', () => {
  it('are what it sends', async () => {
    const { bytes, error, upstream } = await readScripted([])
    assert.equal(error, undefined)
    assert.deepEqual(bytes, BYTES)
    assert.equal(upstream.asked.length, 1)
  })

  it('are asked for again by a closed range after a drop, and with the size told but once', async () => {
    const sizes: unknown[] = []
    const { bytes, upstream } = await readScripted([{ dropAt: 300 }, { dropAt: 301 }], {
      onSize: (size) => sizes.push(size),
    })
    assert.deepEqual(bytes, BYTES)
    assert.deepEqual(
      upstream.asked.map(({ from, to }) => [from, to]),
      [
        [0, undefined],
        [300, 999],
        [301, 999],
      ],
    )
    assert.deepEqual(sizes, [SIZE])
  })

  it('are the part that was asked for, and no more', async () => {
    for (const answers of [[], [{ ignoresRange: true }], [{ dropAt: 150 }, { ignoresRange: true }]]) {
      const { bytes, error } = await readScripted(answers, { from: 100, to: 199 })
      assert.equal(error, undefined)
      assert.deepEqual(bytes, BYTES.subarray(100, 200))
    }
  })

  it('that end early are asked for again', async () => {
    const { bytes } = await readScripted([{ endAt: 300 }])
    assert.deepEqual(bytes, BYTES)
  })

  it('are complete when the connection is lost after the last of them', async () => {
    const { bytes, error, upstream } = await readScripted([{ dropAt: SIZE, growBy: 10 }])
    assert.equal(error, undefined)
    assert.deepEqual(bytes, BYTES)
    assert.equal(upstream.asked.length, 1)
  })

  it('are complete, too, when only a further request tells that there are no more', async () => {
    const { bytes, error } = await readScripted([{ dropAt: SIZE, growBy: 10, saysSize: 'nothing' }])
    assert.equal(error, undefined)
    assert.deepEqual(bytes, BYTES)
  })

  it('that were lost in another way than the port says are asked for again', async () => {
    const halt = new Halt(300)
    const upstream = new BlobUpstream(BYTES, [{ halt }])
    void halt.met.then(() => upstream.bodies[0]!.destroy(new Error('socket hang up')))
    const { bytes } = await readScripted([], { upstream })
    assert.deepEqual(bytes, BYTES)
  })

  const contradictions: [what: string, answers: BlobAnswer[], from: number][] = [
    ['begin elsewhere', [{ saysStart: 20 }], 10],
    ['begin after what was asked for', [{ dropAt: 300 }, { saysStart: 310 }], 0],
    ['go on beyond the size', [{ growBy: 1 }], 0],
    ['belong to another size later', [{ dropAt: 300 }, { saysSize: 999 }], 0],
    ['are more than there are later', [{ growBy: 1, saysSize: SIZE + 2 }], 0],
  ]
  for (const [what, answers, from] of contradictions)
    it(`that ${what} are corrupt`, async () => {
      assert.equal(kindOf((await readScripted(answers, { from })).error), 'corrupt')
    })

  it('from behind the end of a blob are refused as beyond its end, however the upstream says so', async () => {
    for (const answers of [[], [{ ignoresRange: true }]]) {
      const { error } = await readScripted(answers, { from: SIZE + 1 })
      assert.equal((error as UpstreamError).status, 416)
    }
  })

  it('are not asked for again when the first answer fails: those tries are the upstream’s own', async () => {
    const { error, upstream } = await readScripted([{ fails: new UpstreamError('unreachable', 'down') }])
    assert.equal(kindOf(error), 'unreachable')
    assert.equal(upstream.asked.length, 1)
  })

  it('are given up when no new one has come for so long, however often it was tried', async () => {
    const clock = sleepingClock()
    const down = Array.from({ length: 1000 }, () => ({ fails: new UpstreamError('unreachable', 'down') }))
    const { error, bytes } = await readScripted([{ dropAt: 300 }, ...down], { clock, giveUpAfterMs: 60_000 })
    assert.equal(kindOf(error), 'unreachable')
    assert.equal(bytes.length, 300)
    const sleptMs = clock.slept.reduce((sum, ms) => sum + ms, 0)
    assert.ok(sleptMs > 45_000 && sleptMs <= 60_000, `${sleptMs} ms`)
  })

  it('are not given up because a reader was slow before the connection was lost', async () => {
    const clock = sleepingClock()
    const upstream = new BlobUpstream(BYTES, [{ dropAt: 300, chunkBytes: 100 }])
    const controller = new AbortController()
    const source = readUpstream({
      upstream,
      name: 'x',
      digest: upstream.digest,
      from: 0,
      priority: () => 'client',
      signal: controller.signal,
      clock,
      giveUpAfterMs: 60_000,
    })
    let length = 0
    for await (const chunk of source) {
      length += chunk.length
      if (length <= 300) await clock.sleep(3_600_000, controller.signal)
    }
    assert.equal(length, SIZE)
  })

  it('end with the reason of the signal, wherever they are', async () => {
    const reason = new Error('no longer wanted')
    for (const at of [0, 300, SIZE]) {
      const halt = new Halt(at)
      const controller = new AbortController()
      const reading = readScripted([{ halt }], { signal: controller.signal })
      await halt.met
      controller.abort(reason)
      assert.equal((await reading).error, reason)
    }
  })

  it('tell the priority anew with every request', async () => {
    let asks = 0
    const { upstream } = await readScripted([{ dropAt: 300 }], {
      priority: () => (asks++ === 0 ? 'prefetch' : 'client'),
    })
    assert.deepEqual(
      upstream.asked.map(({ priority }) => priority),
      ['prefetch', 'client'],
    )
  })
})

const offset = fc.integer({ min: 0, max: SIZE })
/** Any answer that is honest about its bytes: dropped, cut short, whole instead of a part, in pieces of any size. */
const honest: fc.Arbitrary<BlobAnswer> = fc.record(
  {
    dropAt: offset,
    endAt: offset,
    ignoresRange: fc.boolean(),
    chunkBytes: fc.integer({ min: 1, max: SIZE }),
  },
  { requiredKeys: [] },
)
/** And any that is not. */
const any: fc.Arbitrary<BlobAnswer> = fc.record(
  {
    dropAt: offset,
    endAt: offset,
    wrongAt: offset,
    growBy: fc.integer({ min: 1, max: 50 }),
    ignoresRange: fc.boolean(),
    saysStart: offset,
    saysSize: fc.oneof(fc.constant('nothing' as const), fc.integer({ min: 0, max: SIZE + 50 })),
    chunkBytes: fc.integer({ min: 1, max: SIZE }),
  },
  { requiredKeys: [] },
)

describe('a resumed download', () => {
  it('has the right bytes after any honest answers, wherever they break off', async () => {
    const check = async (answers: BlobAnswer[], from: number): Promise<void> => {
      const { bytes, error } = await readScripted(answers, { from })
      assert.equal(error, undefined)
      assert.deepEqual(bytes, BYTES.subarray(from))
    }
    await fc.assert(
      fc.asyncProperty(fc.array(honest, { maxLength: 8 }), fc.integer({ min: 0, max: SIZE - 1 }), check),
      {
        numRuns: 300,
      },
    )
  })

  it('of a flight fails where an upstream has sent more than there is, and then says so', async () => {
    const bench = await FlightBench.create({ bytes: BYTES, answers: [{ growBy: 1, saysSize: SIZE + 2 }] })
    const { bytes, error } = await bench.readAll(bench.start().flight)
    assert.ok(error !== undefined && bytes.length < SIZE + 2)
    const again = await bench.readAll(bench.start().flight)
    await bench.end()
    assert.equal(again.error, undefined)
    assert.deepEqual(again.bytes, BYTES)
  })

  it('of a flight ends in the right bytes or a failure after any answers, and stores nothing wrong', async () => {
    const check = async (answers: BlobAnswer[], freeBytes: number | undefined): Promise<void> => {
      const bench = await FlightBench.create({ bytes: BYTES, answers })
      if (freeBytes !== undefined) bench.disk.freeBytes = freeBytes
      const { flight } = bench.start()
      const { bytes, error } = await bench.readAll(flight)
      const isStored = await flight.ended
      const stored = await bench.readStored()
      const announced = flight.sizeBytes ?? Number.POSITIVE_INFINITY
      await bench.end()
      if (error === undefined) assert.deepEqual(bytes, BYTES)
      else assert.ok(bytes.length < announced, 'a client would have taken it for the whole')
      assert.equal(stored !== undefined, isStored)
      if (isStored) assert.deepEqual(stored, BYTES)
    }
    const free = fc.option(fc.integer({ min: 0, max: SIZE }), { nil: undefined })
    await fc.assert(fc.asyncProperty(fc.array(any, { maxLength: 5 }), free, check), { numRuns: 300 })
  })
})
