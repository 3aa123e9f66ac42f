import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Halt } from '../support/blob-upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { FlightBench, readToEnd } from '../support/flight-bench.ts'

const MIB = 1024 * 1024
const SIZE = 20 * MIB
const BYTES = seededBytes(SIZE)

/** A flight that stands at byte 1000 of 20 MiB until `work` is done. */
const besideStanding = async (work: (bench: FlightBench, halt: Halt) => Promise<void>): Promise<void> => {
  const halt = new Halt(1000)
  const bench = await FlightBench.create({ bytes: BYTES, answers: [{ halt }] })
  try {
    bench.start()
    await halt.met
    await work(bench, halt)
  } finally {
    await bench.end()
  }
}

describe('flights', () => {
  it('are one for a digest, found until its blob is stored', () =>
    besideStanding(async (bench, halt) => {
      const { flight, isNew } = bench.start()
      assert.equal(isNew, false)
      assert.equal(bench.flights.find(bench.upstream.digest), flight)
      assert.deepEqual(bench.flights.list(), [flight])
      halt.open()
      assert.equal(await flight.ended, true)
      await Promise.resolve()
      assert.deepEqual([bench.flights.find(bench.upstream.digest), bench.flights.list()], [undefined, []])
      assert.equal((await bench.metrics.fetchesActive.get()).values[0]?.value, 0)
    }))

  it('give a range that begins far ahead from the upstream, as that range', () =>
    besideStanding(async (bench) => {
      const { flight } = bench.start()
      const first = 17 * MIB
      const part = bench.flights.openAhead(flight, first, first + 99)
      assert.ok(part)
      assert.deepEqual((await readToEnd(part, first)).bytes, BYTES.subarray(first, first + 100))
      assert.deepEqual(bench.upstream.asked.at(-1), {
        from: first,
        to: first + 99,
        priority: 'client',
        promotion: undefined,
      })
    }))

  it('give a range that the fetch will soon have from the fetch', () =>
    besideStanding(async (bench) => {
      const { flight } = bench.start()
      assert.equal(bench.flights.openAhead(flight, 16 * MIB, SIZE - 1), undefined)
    }))

  it('give at most four such ranges of a blob at once', () =>
    besideStanding(async (bench) => {
      const { flight } = bench.start()
      const openAhead = () => bench.flights.openAhead(flight, 17 * MIB, 17 * MIB + 99)
      const parts = [openAhead(), openAhead(), openAhead(), openAhead()]
      assert.ok(parts.every((part) => part !== undefined))
      assert.equal(openAhead(), undefined)
      await parts[0]!.close()
      await parts[0]!.close()
      const next = openAhead()
      assert.ok(next)
      assert.equal(openAhead(), undefined)
      for (const part of [...parts, next]) await part!.close()
    }))

  it('are all ended by closing, and go on from there the next time', () =>
    besideStanding(async (bench) => {
      const { flight } = bench.start()
      await bench.flights.close()
      assert.equal(await flight.ended, false)
      const next = bench.start()
      assert.equal(next.isNew, true)
      assert.ok((await bench.readAll(next.flight)).bytes.equals(BYTES))
      assert.equal(bench.upstream.asked.at(-1)?.from, 1000)
    }))
})
