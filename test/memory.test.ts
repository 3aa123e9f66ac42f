import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Memory } from '../src/memory.ts'

describe('a memory', () => {
  it('holds so many entries, and forgets the one that was not used for longest', () => {
    const memory = new Memory<string, number>(3)
    for (const [i, key] of ['a', 'b', 'c'].entries()) memory.set(key, i)
    assert.equal(memory.get('a'), 0)
    memory.set('d', 3)
    assert.equal(memory.size, 3)
    assert.equal(memory.get('b'), undefined)
    assert.deepEqual([...memory.keys()].sort(), ['a', 'c', 'd'])
  })

  it('counts an entry that is set again once', () => {
    const memory = new Memory<string, string>(2)
    for (const value of ['x', 'y', 'z']) memory.set('a', value)
    memory.set('b', 'x')
    assert.equal(memory.get('a'), 'z')
    assert.equal(memory.size, 2)
  })

  it('believes an entry for as long as it was told', () => {
    let now = 1000
    const memory = new Memory<string, true>(10, { ttl: 50, ttlResolution: 0, perf: { now: () => now } })
    memory.set('a', true)
    now += 49
    assert.equal(memory.get('a'), true)
    now += 2
    assert.equal(memory.get('a'), undefined)
  })

  it('keeps its bound, however many come', () => {
    const memory = new Memory<number, number>(1000)
    for (let i = 0; i < 5000; i += 1) memory.set(i, i)
    assert.equal(memory.size, 1000)
    assert.equal(memory.get(4999), 4999)
    assert.equal(memory.get(3999), undefined)
  })
})
