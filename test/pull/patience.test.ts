import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Governor } from '../../src/pull/governor.ts'
import { Patience } from '../../src/pull/patience.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'
import { SilentUpstream } from '../keep/workbench.ts'

const MINUTE_MS = 60_000

/** Patience with a clock that its pauses move on, and with as many pulls left as a test says. */
const makePatience = ({ left = 100, isHub = true } = {}) => {
  const bench = { left, nowMs: 0, pauses: [] as number[], probes: 0, told: [] as (string | undefined)[] }
  const upstream = new SilentUpstream('hub')
  upstream.health = () => ({
    ...SilentUpstream.prototype.health.call(upstream),
    rateLimit: { limit: 100, remaining: bench.left, windowS: 21_600, source: undefined },
    rateLimitAtMs: bench.nowMs,
  })
  const abort = new AbortController()
  const patience = new Patience({
    upstream,
    governor: new Governor({
      watermark: 10,
      countsManifests: new Set(isHub ? ['hub'] : []),
      now: () => bench.nowMs,
    }),
    clock: {
      now: () => bench.nowMs,
      random: () => 0.5,
      sleep: async (ms, signal) => {
        signal.throwIfAborted()
        bench.pauses.push(ms)
        bench.nowMs += ms
      },
    },
    signal: abort.signal,
    probe: async () => {
      bench.probes += 1
      if (bench.probes === 3) bench.left = 50
    },
    onPause: (reason) => bench.told.push(reason),
  })
  return { bench, patience, abort }
}

const limited = (retryAfterMs?: number) => new UpstreamError('limited', 'too many', { retryAfterMs })

describe('what is fetched ahead', () => {
  it('goes on at once while enough pulls are left', async () => {
    const { bench, patience } = makePatience()
    assert.equal(await patience.counted(async () => 'done'), 'done')
    assert.deepEqual(bench.pauses, [])
  })

  it('waits below the watermark, looking every five minutes by what does not count', async () => {
    const { bench, patience } = makePatience({ left: 9 })
    assert.equal(await patience.counted(async () => 'done'), 'done')
    assert.deepEqual(bench.pauses, [5 * MINUTE_MS, 5 * MINUTE_MS, 5 * MINUTE_MS])
    assert.match(String(bench.told[0]), /9 of 100 pulls/)
    assert.equal(bench.told.at(-1), undefined)
  })

  it('asks below the watermark what Docker Hub does not count', async () => {
    const { bench, patience } = makePatience({ left: 0 })
    assert.equal(await patience.uncounted(async () => 'done'), 'done')
    assert.deepEqual(bench.pauses, [])
  })

  it('asks another upstream nothing at all there, and gives up after a day', async () => {
    const { bench, patience } = makePatience({ left: 0, isHub: false })
    await assert.rejects(
      patience.uncounted(async () => 'done'),
      /given up after a day: hub gives 0 of 100 pulls/,
    )
    assert.deepEqual([bench.probes, bench.nowMs], [0, 24 * 60 * MINUTE_MS])
  })

  it('waits after a 429 as long as that says, and five minutes where it says nothing', async () => {
    const { bench, patience } = makePatience()
    const failures = [limited(90_000), limited(), limited(0)]
    const work = async () => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      return 'done'
    }
    assert.equal(await patience.counted(work), 'done')
    assert.deepEqual(bench.pauses, [90_000, 5 * MINUTE_MS, 1_000])
  })

  it('fails of anything else, at once', async () => {
    const { bench, patience } = makePatience()
    const failure = new UpstreamError('absent', 'not there')
    await assert.rejects(
      patience.counted(() => Promise.reject(failure)),
      failure,
    )
    assert.deepEqual(bench.pauses, [])
  })

  it('ends when it is cancelled, waiting or not', async () => {
    const { patience, abort } = makePatience()
    abort.abort(new Error('cancelled'))
    await assert.rejects(
      patience.counted(async () => 'done'),
      /cancelled/,
    )
  })
})
