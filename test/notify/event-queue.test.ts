import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventQueue } from '../../src/notify/event-queue.ts'
import fc from '../support/fast-check.ts'

const LIMITS = { events: 5, bytes: 40 }

/** The same by the obvious means. */
class Model {
  #bodies: string[] = []

  get length(): number {
    return this.#bodies.length
  }

  push(body: string): number {
    if (body.length > LIMITS.bytes) return 1
    const all = [...this.#bodies, body]
    const isWithin = (from: number) =>
      all.length - from <= LIMITS.events && all.slice(from).join('').length <= LIMITS.bytes
    const dropped = all.findIndex((_, from) => isWithin(from))
    this.#bodies = all.slice(dropped)
    return dropped
  }

  shift(): string | undefined {
    return this.#bodies.shift()
  }
}

describe('the queue of an endpoint', () => {
  it('gives back what came in, in order, and drops the oldest where it is full', () => {
    const body = fc.integer({ min: 1, max: 45 }).map((length) => 'x'.repeat(length))
    const step = fc.oneof({ weight: 2, arbitrary: body }, fc.constant(undefined))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [queue, model] = [new EventQueue(LIMITS), new Model()]
        for (const [index, each] of steps.entries()) {
          // Each body is another one, so that the order shows.
          const text = each === undefined ? undefined : String.fromCharCode(65 + (index % 26)) + each.slice(1)
          if (text === undefined) assert.equal(queue.shift(), model.shift())
          else assert.equal(queue.push(text), model.push(text))
          assert.equal(queue.length, model.length)
        }
      }),
    )
  })

  it('drops what is larger than all of it, and keeps the rest', () => {
    const queue = new EventQueue(LIMITS)
    queue.push('small')
    assert.equal(queue.push('x'.repeat(41)), 1)
    assert.deepEqual([queue.shift(), queue.shift()], ['small', undefined])
  })
})
