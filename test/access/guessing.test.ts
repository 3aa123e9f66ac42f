import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GuessLimiter } from '../../src/access/guessing.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

const setUp = () => {
  const clock = { nowMs: 1_000_000 }
  const limiter = new GuessLimiter(() => clock.nowMs)
  const guess = (times: number, account = 'alice', address = '192.0.2.1') => {
    let waitMs = 0
    for (let i = 0; i < times; i++) waitMs = limiter.begin(account, address)
    return waitMs
  }
  return { clock, limiter, guess }
}

describe('GuessLimiter', () => {
  it('lets a person mistype, then asks for pauses that double', () => {
    const { clock, guess } = setUp()
    assert.equal(guess(5), 0)
    for (const pauseMs of [1, 2, 4, 8].map((seconds) => seconds * SECOND_MS)) {
      assert.equal(guess(1), pauseMs)
      clock.nowMs += pauseMs - 1
      assert.equal(guess(1), 1, 'a guess during the pause neither passes nor prolongs it')
      clock.nowMs += 1
      assert.equal(guess(1), 0)
    }
  })

  it('never asks for more than five minutes', () => {
    const { clock, guess } = setUp()
    let longestMs = 0
    for (let i = 0; i < 40; i++) {
      const waitMs = guess(1)
      longestMs = Math.max(longestMs, waitMs)
      clock.nowMs += waitMs
    }
    assert.equal(longestMs, 5 * MINUTE_MS)
  })

  it('leaves the account open to other addresses, and the address to other accounts', () => {
    const { guess } = setUp()
    assert.ok(guess(6) > 0)
    assert.equal(guess(1, 'alice', '192.0.2.2'), 0)
    assert.equal(guess(1, 'bob', '192.0.2.1'), 0)
  })

  it('slows an address that tries one password on many accounts', () => {
    const { limiter } = setUp()
    const waits = Array.from({ length: 60 }, (_, i) => limiter.begin(`account${i}`, '192.0.2.1'))
    assert.equal(
      waits.findIndex((waitMs) => waitMs > 0),
      50,
    )
  })

  it('starts afresh for an account after its right password, but not for the address', () => {
    const { limiter, guess } = setUp()
    assert.equal(guess(4), 0)
    limiter.succeed('alice', '192.0.2.1')
    assert.equal(guess(5), 0)
    assert.ok(guess(1) > 0)

    const other = setUp()
    for (let i = 0; i < 60; i++) {
      other.limiter.begin(`account${i}`, '192.0.2.1')
      if (other.limiter.begin('mine', '192.0.2.1') === 0) other.limiter.succeed('mine', '192.0.2.1')
    }
    assert.ok(other.guess(1, 'victim') > 0, 'an account of his own does not buy an address new guesses')
  })

  it('does not count a guess that was not checked', () => {
    const { limiter, guess } = setUp()
    for (let i = 0; i < 20; i++) {
      assert.equal(guess(1), 0)
      limiter.cancel('alice', '192.0.2.1')
    }
  })

  it('forgets after a quarter of an hour without a guess', () => {
    const { clock, guess } = setUp()
    assert.ok(guess(6) > 0)
    clock.nowMs += 15 * MINUTE_MS + 1
    assert.equal(guess(5), 0)
  })

  it('counts an IPv4 address in both spellings as one, and an IPv6 network of /64 as one', () => {
    const { guess } = setUp()
    guess(5, 'alice', '192.0.2.1')
    assert.ok(guess(1, 'alice', '::ffff:192.0.2.1') > 0)
    guess(5, 'alice', '2001:db8:1:2::1')
    assert.ok(guess(1, 'alice', '2001:db8:1:2:ffff::9') > 0)
    assert.equal(guess(1, 'alice', '2001:db8:1:3::1'), 0)
  })

  it('takes an address that is none, such as that of a Unix socket', () => {
    const { guess } = setUp()
    assert.equal(guess(5, 'alice', ''), 0)
    assert.ok(guess(1, 'alice', '') > 0)
  })
})
