import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Audience } from '../../src/fetch/audience.ts'
import type { Flight } from '../../src/fetch/flight.ts'
import type { Layer, LayerOrder } from '../../src/fetch/layer-order.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { Halt } from '../support/blob-upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { FlightBench, type FlightBenchOptions, readToEnd, sleepingClock } from '../support/flight-bench.ts'

const SIZE = 100_000
const BYTES = seededBytes(SIZE)

/** Runs `work` on a bench, and checks that nothing is left open. */
const onBench = async (
  options: Partial<FlightBenchOptions>,
  work: (bench: FlightBench) => Promise<void>,
): Promise<void> => {
  const bench = await FlightBench.create({ bytes: BYTES, ...options })
  try {
    await work(bench)
  } finally {
    await bench.end()
  }
}

const isCorrupt = (error: unknown): boolean => error instanceof UpstreamError && error.kind === 'corrupt'

describe('a flight', () => {
  it('gives its reader the bytes, and stores them', () =>
    onBench({}, async (bench) => {
      const { flight } = bench.start()
      const { bytes, error } = await bench.readAll(flight)
      assert.equal(error, undefined)
      assert.deepEqual(bytes, BYTES)
      assert.equal(await flight.ended, true)
      assert.deepEqual(await bench.readStored(), BYTES)
      assert.deepEqual(await bench.listPartials(), [])
      assert.equal(flight.sizeBytes, SIZE)
    }))

  it('asks the upstream once, however many read', () =>
    onBench({}, async (bench) => {
      const reads = Array.from({ length: 20 }, () => bench.readAll(bench.start().flight))
      for (const { bytes } of await Promise.all(reads)) assert.deepEqual(bytes, BYTES)
      assert.equal(bench.upstream.asked.length, 1)
    }))

  it('gives a late reader at once what is there', async () => {
    const halt = new Halt(SIZE / 2)
    await onBench({ answers: [{ halt }] }, async (bench) => {
      const { flight } = bench.start()
      await flight.answered
      const early = flight.open('a')!
      const buffer = Buffer.alloc(SIZE)
      let position = 0
      while (position < SIZE / 2) position += await early.read(buffer, position, SIZE)
      const late = flight.open('a')!
      assert.equal(await late.read(buffer, 0, SIZE), SIZE / 2)
      assert.deepEqual(buffer.subarray(0, SIZE / 2), BYTES.subarray(0, SIZE / 2))
      halt.open()
      assert.deepEqual((await readToEnd(early)).bytes, BYTES)
      assert.deepEqual((await readToEnd(late, SIZE / 2)).bytes, BYTES.subarray(SIZE / 2))
    })
  })

  it('lets a slow reader read on after it has ended and its file is stored', () =>
    onBench({}, async (bench) => {
      const { flight } = bench.start()
      await flight.answered
      const slow = flight.open('a')!
      assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
      assert.equal(await flight.ended, true)
      assert.deepEqual((await readToEnd(slow, 0, 1000)).bytes, BYTES)
    }))

  it('gives nobody who comes after its end a file that is closed', () =>
    onBench({}, async (bench) => {
      const { flight } = bench.start()
      await flight.ended
      assert.equal(flight.open('a'), undefined)
    }))

  it('goes on to the end when its readers have left', async () => {
    const halt = new Halt(SIZE / 2)
    await onBench({ answers: [{ halt }] }, async (bench) => {
      const { flight } = bench.start()
      await halt.met
      await flight.open('a')!.close()
      halt.open()
      assert.equal(await flight.ended, true)
    })
  })

  it('wakes a reader that waits when that is closed', async () => {
    const halt = new Halt(10)
    await onBench({ answers: [{ halt }] }, async (bench) => {
      const { flight } = bench.start()
      await flight.answered
      const reader = flight.open('a')!
      const buffer = Buffer.alloc(10)
      for (let at = 0; at < 10; ) at += await reader.read(buffer, at, 10)
      const waiting = reader.read(buffer, 10, 10)
      await reader.close()
      assert.equal(await waiting, 0)
      halt.open()
    })
  })

  it('stores a blob of a sha512 digest under its sha256 digest', () =>
    onBench({ digest: digestOf(BYTES, 'sha512') }, async (bench) => {
      const { flight } = bench.start()
      assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
      assert.equal(await flight.ended, true)
      assert.deepEqual(await bench.readStored(digestOf(BYTES)), BYTES)
    }))

  it('is a prefetch until a client waits for it', async () => {
    const halt = new Halt(1000)
    await onBench({ answers: [{ halt, dropAt: 2000 }] }, async (bench) => {
      const { flight } = bench.start({ priority: 'prefetch' })
      await halt.met
      const { promotion } = bench.upstream.asked[0]!
      assert.equal(promotion?.aborted, false)
      assert.equal(bench.start().flight, flight)
      assert.equal(promotion?.aborted, true, 'a request that waits in a queue is told')
      halt.open()
      await flight.ended
      assert.deepEqual(
        bench.upstream.asked.map(({ priority }) => priority),
        ['prefetch', 'client'],
      )
    })
  })

  it('of a layer asks the upstream when it is its turn, and tells how much of it is wanted, and by whom', () =>
    onBench({ bytes: BYTES, answers: [{ dropAt: 40_000 }] }, async (bench) => {
      const turn = new Halt(0)
      const asked: Layer[] = []
      const order = {
        async *take(layer: Layer, chunks: AsyncIterable<Buffer>) {
          asked.push(layer)
          turn.meet()
          await turn.opened
          yield* chunks
        },
      } as unknown as LayerOrder
      const { flight } = bench.start({ layer: { order, index: 3 } })
      await turn.met
      const [layer] = asked as [Layer]
      const a = new Audience()
      a.enter('a')
      const told = () => [layer.index, layer.from, layer.sizeBytes(), a.mayWaitFor(layer.audience)]
      assert.deepEqual([told(), bench.upstream.asked.length], [[3, 0, undefined, false], 0])
      const answered = flight.audience.wait(flight.answered, 'a')
      assert.deepEqual(told(), [3, 0, undefined, true])
      turn.open()
      await answered
      assert.deepEqual(told(), [3, 0, BYTES.length, false])
      const reader = flight.open('a')
      assert.ok(reader)
      assert.deepEqual(told(), [3, 0, BYTES.length, true])
      assert.deepEqual((await readToEnd(reader)).bytes, BYTES)
      assert.deepEqual(told(), [3, 0, BYTES.length, false])
      await flight.ended
      assert.equal(bench.upstream.asked.length, 2)
    }))

  it('of a layer goes by its descriptor’s size where the upstream tells none', () =>
    onBench({ bytes: BYTES, answers: [{ saysSize: 'nothing' }] }, async (bench) => {
      const told: unknown[] = []
      const order = {
        async *take({ sizeBytes }: Layer, chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            told.push(sizeBytes())
            yield chunk
          }
        },
      } as unknown as LayerOrder
      await bench.start({ layer: { order, index: 0 }, sizeBytes: BYTES.length }).flight.ended
      assert.deepEqual(new Set(told), new Set([BYTES.length]))
    }))

  describe('holds the last byte back', () => {
    for (const saysSize of [SIZE, 'nothing'] as const)
      it(`until the digest is right, when the size is told as ${saysSize}`, async () => {
        const halt = new Halt(SIZE)
        await onBench({ answers: [{ halt, saysSize }] }, async (bench) => {
          const { flight } = bench.start()
          await halt.met
          const reader = flight.open('a')!
          assert.equal(reader.sizeBytes, saysSize === 'nothing' ? undefined : SIZE)
          const buffer = Buffer.alloc(SIZE)
          let position = 0
          while (position < SIZE - 1) position += await reader.read(buffer, position, SIZE)
          const last = reader.read(buffer, SIZE - 1, SIZE)
          assert.equal(position, SIZE - 1)
          halt.open()
          assert.equal(await last, 1)
          await reader.close()
        })
      })

    const lies = {
      'a wrong first byte': { wrongAt: 0 },
      'a wrong last byte': { wrongAt: SIZE - 1 },
      'a wrong last byte, and no size': { wrongAt: SIZE - 1, saysSize: 'nothing' },
      'too few bytes, and no size': { endAt: SIZE - 1, saysSize: 'nothing' },
      'too few bytes, and that as the size': { endAt: SIZE - 1, saysSize: SIZE - 1 },
      'too many bytes': { growBy: 1 },
      'too many bytes, and no size': { growBy: 1, saysSize: 'nothing' },
      'too many bytes, and that as the size': { growBy: 1, saysSize: SIZE + 1 },
    } as const
    for (const [name, answer] of Object.entries(lies))
      it(`from everybody, for good, when the upstream sends ${name}`, () =>
        onBench({ answers: [answer] }, async (bench) => {
          const { flight } = bench.start()
          const { bytes, error } = await bench.readAll(flight)
          assert.ok(isCorrupt(error), String(error))
          assert.ok(bytes.length < (flight.sizeBytes ?? Number.POSITIVE_INFINITY))
          assert.equal(await flight.ended, false)
          assert.equal(await bench.readStored(), undefined)
          assert.deepEqual(await bench.listPartials(), [], 'nothing of it is kept')
          assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES, 'the next one is right')
        }))
  })

  describe('of a blob without a byte', () => {
    const NOTHING = Buffer.alloc(0)
    for (const saysSize of [0, 'nothing'] as const)
      it(`ends well when the size is told as ${saysSize}`, () =>
        onBench({ bytes: NOTHING, answers: [{ saysSize }] }, async (bench) => {
          const { flight } = bench.start()
          const { bytes, error } = await bench.readAll(flight)
          assert.deepEqual([bytes.length, error], [0, undefined])
          assert.equal(await flight.ended, true)
          assert.deepEqual(await bench.readStored(), NOTHING)
        }))

    it('answers nobody when the digest is of something', () =>
      onBench({ bytes: NOTHING, digest: digestOf('something') }, async (bench) => {
        const { flight } = bench.start()
        await assert.rejects(flight.answered, isCorrupt)
        assert.equal(await flight.ended, false)
      }))
  })

  describe('that fails', () => {
    it('tells why to those who wait for the answer', () =>
      onBench({ answers: [{ fails: new UpstreamError('absent', 'not there') }] }, async (bench) => {
        const { flight } = bench.start()
        await assert.rejects(flight.answered, /not there/)
        assert.equal(await flight.ended, false)
      }))

    it('gives its readers what came, and then why there is no more', () =>
      onBench(
        { answers: [{ dropAt: 5000 }, { fails: new UpstreamError('absent', 'gone') }] },
        async (bench) => {
          const { bytes, error } = await bench.readAll(bench.start().flight)
          assert.deepEqual(bytes, BYTES.subarray(0, 5000))
          assert.match(String(error), /gone/)
          assert.deepEqual(await bench.listPartials(), [bench.partialPath().split('/').at(-1)])
        },
      ))

    it('leaves what came to the next one', () =>
      onBench(
        { answers: [{ dropAt: 5000 }, { fails: new UpstreamError('absent', 'gone') }] },
        async (bench) => {
          await bench.start().flight.ended
          assert.deepEqual((await bench.readAll(bench.start().flight)).bytes, BYTES)
          assert.equal(bench.upstream.asked.at(-1)?.from, 5000)
        },
      ))

    it('to store what it fetched has served its readers all the same', () =>
      onBench({}, async (bench) => {
        const { flight } = bench.start({ store: () => Promise.reject(new Error('the store is gone')) })
        assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
        assert.equal(await flight.ended, false)
        assert.deepEqual(await bench.listPartials(), [])
      }))
  })

  describe('that is ended', () => {
    it('leaves its partial, and tells its readers', async () => {
      const halt = new Halt(5000)
      await onBench({ answers: [{ halt }] }, async (bench) => {
        const { flight } = bench.start()
        await halt.met
        const read = bench.readAll(flight)
        flight.abort()
        assert.match(String((await read).error), /was ended/)
        assert.equal(await flight.ended, false)
        assert.equal((await bench.listPartials()).length, 1)
      })
    })

    it('while it waits for its next try tells its readers that, too', async () => {
      const clock = sleepingClock()
      const sleep = async () => {
        flight?.abort()
        throw new Error('the sleep was ended')
      }
      let flight: Flight | undefined
      await onBench({ answers: [{ dropAt: 5000 }], tools: { clock: { ...clock, sleep } } }, async (bench) => {
        flight = bench.start().flight
        assert.match(String((await bench.readAll(flight)).error), /the fetch of .* was ended/)
      })
    })

    it('by its last reader where that is wished; whoever comes then is served by the next', async () => {
      const halt = new Halt(5000)
      await onBench({ answers: [{ halt }], tools: { abandons: true } }, async (bench) => {
        const { flight } = bench.start()
        await halt.met
        // So long that a next one that did not wait would have opened the file meanwhile.
        bench.disk.beforeClose = async () => {
          for (let i = 0; i < 100; i += 1) await bench.listPartials()
        }
        await flight.open('a')!.close()
        const next = bench.start()
        assert.notEqual(next.flight, flight)
        assert.deepEqual((await bench.readAll(next.flight)).bytes, BYTES)
        assert.equal(await flight.ended, false)
        assert.equal(await next.flight.ended, true)
        assert.equal(bench.disk.mostOpenFiles, 1, 'they never have the file both')
      })
    })

    it('by its last reader is still joined while the whole is being stored', () =>
      onBench({ tools: { abandons: true } }, async (bench) => {
        let store = (): void => {}
        const storing = new Promise<void>((resolve) => {
          store = resolve
        })
        const { flight } = bench.start({ store: () => storing })
        assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
        assert.equal(bench.start().flight, flight)
        assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
        store()
        assert.equal(await flight.ended, true)
        assert.equal(bench.upstream.asked.length, 1)
      }))

    it('by its last reader is not, once that has everything', () =>
      onBench({ tools: { abandons: true } }, async (bench) => {
        const { flight } = bench.start()
        assert.deepEqual((await bench.readAll(flight)).bytes, BYTES)
        assert.equal(await flight.ended, true)
      }))
  })
})
