import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Audience } from '../../src/fetch/audience.ts'

const audienceOf = (...clients: string[]): Audience => {
  const audience = new Audience()
  for (const client of clients) audience.enter(client)
  return audience
}

describe('the clients of a fetch', () => {
  it('may wait for another that all of them want', () => {
    assert.equal(audienceOf('a').mayWaitFor(audienceOf('a', 'b')), true)
    assert.equal(audienceOf('a', 'b').mayWaitFor(audienceOf('a')), false)
    assert.equal(audienceOf('b').mayWaitFor(audienceOf()), false)
  })

  it('are none of a fetch ahead, which may wait for any', () => {
    assert.equal(audienceOf().mayWaitFor(audienceOf()), true)
    assert.equal(audienceOf().mayWaitFor(audienceOf('a')), true)
  })

  it('wait for nothing once one of them wants a part', () => {
    const audience = audienceOf('a')
    audience.hurry()
    assert.equal(audience.mayWaitFor(audienceOf('a')), false)
    assert.equal(audienceOf('a').mayWaitFor(audience), true)
  })

  it('are counted from the wait for an answer to the end of the reading, each request of an address by itself', async () => {
    const audience = new Audience()
    const wants = () => audienceOf('a').mayWaitFor(audience)
    const failed = audience.wait(Promise.reject(new Error('404')), 'a')
    assert.deepEqual([wants(), audience.readers], [true, 0])
    await assert.rejects(failed, /404/)
    assert.equal(wants(), false)
    const leave = [audience.enter('a'), audience.enter('a')]
    assert.deepEqual([wants(), audience.readers], [true, 2])
    leave[0]?.()
    assert.deepEqual([wants(), audience.readers], [true, 1])
    leave[1]?.()
    assert.deepEqual([wants(), audience.readers], [false, 0])
  })
})
