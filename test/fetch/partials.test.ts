import assert from 'node:assert/strict'
import { unlink, utimes, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, it } from 'node:test'
import { SYNC_EVERY_BYTES } from '../../src/store/slabs.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { FlightBench, type FlightBenchOptions } from '../support/flight-bench.ts'

const SIZE = 100_000
const BYTES = seededBytes(SIZE)
const HOUR_MS = 60 * 60 * 1000

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

/** Fetches the blob, checks that it is right and stored, and tells from where it was asked for. */
const fetchFrom = async (bench: FlightBench): Promise<number | undefined> => {
  const { flight } = bench.start()
  const { bytes, error } = await bench.readAll(flight)
  assert.equal(error, undefined)
  assert.ok(bytes.equals(bench.upstream.bytes))
  assert.equal(await flight.ended, true)
  return bench.upstream.asked[0]?.from
}

describe('a partial that a dead process left', () => {
  it('is gone on with, after a re-hash, from its last byte', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), BYTES.subarray(0, 40_000))
      assert.equal(await fetchFrom(bench), 40_000)
      assert.deepEqual(await bench.listPartials(), [])
      assert.ok(bench.disk.calls.includes('datasync'), 'what it left is synced, too')
    }))

  it('and that another process took a moment before is fetched anew', async () => {
    const inspected: string[] = []
    let bench: FlightBench | undefined
    const take = (owner: string) => async () => {
      inspected.push(owner)
      if (inspected.length === 1) return 'gone'
      await unlink(bench!.partialPath(inspected[0]))
      return 'alive'
    }
    await onBench({ owners: { one: take('one'), other: take('other') } }, async (made) => {
      bench = made
      for (const owner of ['one', 'other'])
        await writeFile(bench.partialPath(owner), BYTES.subarray(0, 40_000))
      assert.equal(await fetchFrom(bench), 0)
      assert.equal(inspected.length, 2)
    })
  })

  it('is verified with the rest: wrong bytes in it reach nobody whole, and are thrown away', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), Buffer.alloc(40_000))
      const { bytes, error } = await bench.readAll(bench.start().flight)
      assert.ok(error instanceof UpstreamError && error.kind === 'corrupt')
      assert.ok(bytes.length < SIZE)
      assert.equal(await bench.readStored(), undefined)
      bench.upstream.asked.length = 0
      assert.equal(await fetchFrom(bench), 0)
    }))

  it('after a reboot is believed as far as it was certainly synced', async () => {
    const large = seededBytes(3 * SYNC_EVERY_BYTES + 1000)
    await onBench({ bytes: large, owners: { dead: () => 'rebooted' } }, async (bench) => {
      // What a power cut made of the pieces that were not synced.
      const torn = Buffer.concat([large.subarray(0, SYNC_EVERY_BYTES), Buffer.alloc(SYNC_EVERY_BYTES + 500)])
      await writeFile(bench.partialPath('dead'), torn)
      assert.equal(await fetchFrom(bench), SYNC_EVERY_BYTES)
    })
  })

  it('after a reboot counts for nothing when it is small', () =>
    onBench({ owners: { dead: () => 'rebooted' } }, async (bench) => {
      await writeFile(bench.partialPath('dead'), Buffer.alloc(40_000))
      assert.equal(await fetchFrom(bench), 0)
    }))

  it('of all others is the one with the most bytes to believe', () =>
    onBench({ owners: { rebooted: () => 'rebooted' } }, async (bench) => {
      await writeFile(bench.partialPath('rebooted'), BYTES.subarray(0, 90_000))
      await writeFile(bench.partialPath('small'), BYTES.subarray(0, 1000))
      await writeFile(bench.partialPath('large'), BYTES.subarray(0, 2000))
      assert.equal(await fetchFrom(bench), 2000)
    }))

  it('with all bytes in it is stored without a download, once the upstream has confirmed it', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), BYTES)
      assert.equal(await fetchFrom(bench), undefined)
      assert.equal(bench.upstream.stats, 1)
    }))

  it('with all bytes in it is given to nobody whom the upstream does not give it', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), BYTES)
      bench.upstream.saysSize = 'absent'
      const { flight } = bench.start()
      await assert.rejects(flight.answered, { kind: 'absent' })
      assert.equal(await flight.ended, false)
    }))

  for (const [what, leftover, answers] of [
    ['longer than the blob', seededBytes(SIZE + 50, 'other'), []],
    ['longer than the blob, which comes whole', seededBytes(SIZE + 50, 'other'), [{ ignoresRange: true }]],
    ['as long as the blob, and wrong', seededBytes(SIZE, 'other'), []],
  ] as const)
    it(`that is ${what} counts for nothing`, () =>
      onBench({ answers }, async (bench) => {
        await writeFile(bench.partialPath('dead'), leftover)
        await fetchFrom(bench)
        assert.equal(bench.upstream.asked.at(-1)?.from, 0)
      }))

  it('that readers may have had is not begun again where the upstream goes on first, and ends before it later', async () => {
    const beyondEnd = { fails: new UpstreamError('status', 'answered 416', { status: 416 }) }
    const answers = [{ dropAt: 40_000 }, ...Array.from({ length: 100 }, () => beyondEnd)]
    await onBench({ answers }, async (bench) => {
      await writeFile(bench.partialPath('dead'), seededBytes(40_000, 'other'))
      const { error } = await bench.readAll(bench.start().flight)
      assert.equal((error as UpstreamError).kind, 'corrupt')
      assert.deepEqual(new Set(bench.upstream.asked.map(({ from }) => from)), new Set([40_000]))
    })
  })

  it('that cannot be read counts for nothing', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), BYTES.subarray(0, 40_000))
      bench.disk.fail('read', 'EIO')
      const { flight } = bench.start()
      await flight.answered
      bench.disk.mend()
      assert.equal(await flight.ended, true)
      assert.equal(bench.upstream.asked[0]?.from, 0)
      assert.deepEqual(await bench.readStored(), BYTES)
    }))

  it('that can neither be read nor cut is passed by', () =>
    onBench({}, async (bench) => {
      await writeFile(bench.partialPath('dead'), seededBytes(SIZE + 50, 'other'))
      bench.disk.fail('read', 'EIO')
      // Opening it cuts once, too.
      bench.disk.fail('truncate', 'EROFS', 1)
      const { flight } = bench.start()
      const { bytes, error } = await bench.readAll(flight)
      assert.equal(error, undefined)
      assert.deepEqual(bytes, BYTES)
      assert.equal(await flight.ended, false)
    }))
})

describe('a partial of another living process', () => {
  it('is left alone', () =>
    onBench({ owners: { alive: () => 'alive' } }, async (bench) => {
      await writeFile(bench.partialPath('alive'), BYTES.subarray(0, 40_000))
      assert.equal(await fetchFrom(bench), 0)
      assert.deepEqual(await bench.listPartials(), [bench.partialPath('alive').split('/').at(-1)])
    }))
})

describe('the sweep of partials', () => {
  it('takes those that nobody has written for a day, and of other living processes none', () =>
    onBench({ owners: { alive: () => 'alive' } }, async (bench) => {
      const old = new Date(Date.now() - 25 * HOUR_MS)
      for (const owner of ['own', 'dead', 'alive', 'fresh']) {
        await writeFile(bench.partialPath(owner), 'x')
        if (owner !== 'fresh') await utimes(bench.partialPath(owner), old, old)
      }
      assert.equal(await bench.partials.sweep(Date.now()), 2)
      const left = (await bench.listPartials()).map((name) => name.split('.').at(-1))
      assert.deepEqual(left.sort(), ['alive', 'fresh'])
    }))
})

describe('partials that nobody goes on with', () => {
  it('are measured and dropped, but for those of a living process and those of a fetch', () =>
    onBench({ owners: { other: async () => 'alive' as const } }, async (bench) => {
      const paths = ['dead', 'other', undefined].map((owner) => bench.partialPath(owner))
      for (const [i, path] of paths.entries()) await writeFile(path, BYTES.subarray(0, 1000 * (i + 1)))
      const isFetched = (): boolean => true
      assert.equal(await bench.partials.measureLeft(isFetched), 3000)
      assert.equal(await bench.partials.dropLeft(isFetched), 1000)
      assert.equal((await bench.listPartials()).length, 2)
      assert.equal(await bench.partials.dropLeft(() => false), 3000)
      assert.deepEqual(await bench.listPartials(), [basename(bench.partialPath('other'))])
    }))
})
