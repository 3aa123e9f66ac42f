import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { doneWith, Intake } from '../src/received.ts'
import fc from './support/fast-check.ts'

const KIB = 1024

/** Receives bytes of one value into as many pieces as they take. */
const receive = (intake: Intake, value: number, length: number): Buffer[] => {
  const pieces: Buffer[] = []
  for (let left = length; left > 0; ) {
    const room = intake.room()
    const part = Math.min(left, room.length)
    room.fill(value, 0, part)
    pieces.push(intake.take(part))
    left -= part
  }
  return pieces
}

/** Receives until large slabs are filled, which are those that are used again. */
const warmUp = (intake: Intake): void => void receive(intake, 0, 2000 * KIB)

describe('memory for what is received', () => {
  it('keeps what was received until it is done with', () => {
    const isKept = (lengths: readonly number[], isDone: readonly boolean[]): boolean => {
      const intake = new Intake()
      const held: { readonly value: number; readonly pieces: Buffer[] }[] = []
      for (const [i, length] of lengths.entries()) {
        const pieces = receive(intake, i % 256, length)
        if (isDone[i] === true) doneWith(pieces)
        else held.push({ value: i % 256, pieces })
      }
      return held.every(({ value, pieces }) => pieces.every((piece) => piece.every((byte) => byte === value)))
    }
    const lengths = fc.array(fc.integer({ min: 1, max: 700 * KIB }), { maxLength: 30 })
    fc.assert(fc.property(lengths, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), isKept), {
      numRuns: 30,
    })
  })

  it('is used again once everything in it is done with', () => {
    const intake = new Intake()
    warmUp(intake)
    const pieces = receive(intake, 1, 8000 * KIB)
    doneWith(pieces)
    const before = new Set(pieces.map(({ buffer }) => buffer))
    const after = receive(intake, 2, 8000 * KIB).map(({ buffer }) => buffer)
    assert.ok(after.filter((buffer) => before.has(buffer)).length > after.length / 2)
  })

  it('is not used again while a single byte of it is held', () => {
    const intake = new Intake()
    warmUp(intake)
    const pieces = receive(intake, 1, 8000 * KIB)
    const all = new Set(pieces.map(({ buffer }) => buffer))
    doneWith(pieces.map((piece) => piece.subarray(0, piece.length - 1)))
    for (const { buffer } of receive(intake, 2, 8000 * KIB).slice(8)) assert.ok(!all.has(buffer))
    assert.ok(pieces.every((piece) => piece.every((byte) => byte === 1)))
  })

  it('comes in pieces that lie side by side, each with room enough for a read', () => {
    const intake = new Intake()
    const [first, second] = [intake.take(1000), intake.take(1000)]
    assert.equal(first.buffer, second.buffer)
    assert.equal(first.byteOffset + first.length, second.byteOffset)
    for (let i = 0; i < 100; i += 1) {
      assert.ok(intake.room().length >= 32 * KIB)
      intake.take(30 * KIB)
    }
  })

  it('of others is nobody’s business', () => {
    assert.doesNotThrow(() => doneWith([Buffer.from('x'), Buffer.alloc(10)]))
  })
})
