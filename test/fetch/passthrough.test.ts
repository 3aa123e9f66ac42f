import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { Passthrough, type PassthroughOptions } from '../../src/fetch/passthrough.ts'
import { type BlobAnswer, BlobUpstream, Halt } from '../support/blob-upstream.ts'
import { seededBytes } from '../support/bytes.ts'
import { readToEnd, sleepingClock } from '../support/flight-bench.ts'

const SIZE = 1000
const BYTES = seededBytes(SIZE)

const optionsFor = (upstream: BlobUpstream, from: number): PassthroughOptions => ({
  upstream,
  name: 'library/alpine',
  digest: upstream.digest,
  from,
  priority: () => 'client',
  clock: sleepingClock(),
})

const hashUpTo = (end: number) => createHash('sha256').update(BYTES.subarray(0, end))

describe('a passthrough', () => {
  it('gives the rest of a blob in order, in pieces of any size, and verifies it', async () => {
    for (const pieceBytes of [1, 7, SIZE]) {
      const upstream = new BlobUpstream(BYTES, [{ chunkBytes: 100 }])
      const rest = new Passthrough(optionsFor(upstream, 250), hashUpTo(250))
      assert.deepEqual(await readToEnd(rest, 250, pieceBytes), {
        bytes: BYTES.subarray(250),
        error: undefined,
      })
    }
  })

  it('gives nobody the end of wrong bytes', async () => {
    for (const answer of [
      { wrongAt: 300 },
      { wrongAt: SIZE - 1 },
      { growBy: 1, saysSize: 'nothing' },
    ] as const) {
      const upstream = new BlobUpstream(BYTES, [{ chunkBytes: 100, ...answer }])
      const { bytes, error } = await readToEnd(new Passthrough(optionsFor(upstream, 250), hashUpTo(250)), 250)
      assert.equal((error as { kind?: string }).kind, 'corrupt')
      assert.ok(bytes.length < SIZE - 250)
    }
  })

  it('gives a part at once: there is nothing to verify it by', async () => {
    const halt = new Halt(300)
    const upstream = new BlobUpstream(BYTES, [{ halt, chunkBytes: 100 }])
    const part = new Passthrough({ ...optionsFor(upstream, 200), to: 399 }, undefined)
    const buffer = Buffer.alloc(SIZE)
    assert.equal(await part.read(buffer, 200, SIZE), 100)
    halt.open()
    assert.deepEqual((await readToEnd(part, 300)).bytes, BYTES.subarray(300, 400))
  })

  it('tells the size that was known beforehand', () => {
    const options = { ...optionsFor(new BlobUpstream(BYTES), 0), sizeBytes: SIZE }
    assert.equal(new Passthrough(options, undefined).sizeBytes, SIZE)
  })

  it('asks nobody before it is read', async () => {
    const upstream = new BlobUpstream(BYTES)
    let closed = 0
    const part = new Passthrough(optionsFor(upstream, 0), undefined, () => {
      closed += 1
    })
    await part.close()
    await part.close()
    assert.deepEqual([upstream.asked.length, closed], [0, 1])
  })

  it('ends its transfer when it is closed, also in the middle of a read', async () => {
    const answers: BlobAnswer[] = [{ halt: new Halt(300) }]
    const upstream = new BlobUpstream(BYTES, answers)
    const rest = new Passthrough(optionsFor(upstream, 250), hashUpTo(250))
    const reading = readToEnd(rest, 250)
    await answers[0]!.halt!.met
    await rest.close()
    assert.notEqual((await reading).error, undefined)
    assert.equal(upstream.openBodies, 0)
  })
})
