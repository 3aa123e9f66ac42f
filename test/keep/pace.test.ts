import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Pace } from '../../src/keep/pace.ts'

const MB = 1_000_000

describe('a pace', () => {
  let nowMs: number
  let isBusy: boolean
  let stop: AbortController

  beforeEach(() => {
    nowMs = 0
    isBusy = false
    stop = new AbortController()
  })

  const createPace = (rateBytes: number | undefined): Pace =>
    new Pace({
      rateBytes,
      isBusy: () => isBusy,
      now: () => nowMs,
      sleep: async (ms, signal) => {
        signal.throwIfAborted()
        nowMs += ms
      },
      signal: stop.signal,
    })
  /** Reads 256 KB at a time. @returns how long it took, in milliseconds */
  const read = async (pace: Pace, bytes: number): Promise<number> => {
    const before = nowMs
    for (let done = 0; done < bytes; done += 250_000) await pace.read(250_000)
    return nowMs - before
  }

  it('is so many bytes a second', async () => {
    assert.ok(Math.abs((await read(createPace(10 * MB), 50 * MB)) - 5000) < 30)
  })

  it('is a quarter of that while clients are served, and as before afterwards', async () => {
    const pace = createPace(10 * MB)
    isBusy = true
    assert.ok(Math.abs((await read(pace, 50 * MB)) - 20_000) < 120)
    isBusy = false
    assert.ok(Math.abs((await read(pace, 50 * MB)) - 5000) < 120)
  })

  it('has no bound where none is given, but while clients are served', async () => {
    const pace = createPace(undefined)
    assert.equal(await read(pace, 50 * MB), 0)
    isBusy = true
    assert.ok(Math.abs((await read(pace, 50 * MB)) - 5000) < 30)
  })

  it('counts small files as more than their bytes', async () => {
    const pace = createPace(10 * MB)
    for (let i = 0; i < 1000; i += 1) await pace.file()
    assert.ok(nowMs > 1500)
  })

  it('makes up for no more than a second of what something else took', async () => {
    const pace = createPace(10 * MB)
    nowMs += 60_000
    assert.ok((await read(pace, 50 * MB)) >= 3970)
  })

  it('ends with its signal', async () => {
    stop.abort(new Error('stopped'))
    await assert.rejects(createPace(1).read(MB), /stopped/)
  })
})
