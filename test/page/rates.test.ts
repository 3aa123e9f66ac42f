import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RateHistory } from '../../src/page/rates.js'

describe('the rates of the page', () => {
  it('are what counters grew by, a second', () => {
    const history = new RateHistory()
    history.add(1000, 500, 0)
    history.add(3000, 2500, 100)
    history.add(3500, 2500, 200)
    assert.deepEqual(history.rates, [
      { toClients: 1000, fromUpstream: 50 },
      { toClients: 0, fromUpstream: 200 },
    ])
  })

  it('are nothing at first, and never less than nothing where the server began again', () => {
    const history = new RateHistory()
    history.add(0, 1_000_000, 1_000_000)
    assert.deepEqual(history.rates, [])
    history.add(1000, 20, 1_000_010)
    assert.deepEqual(history.rates, [{ toClients: 0, fromUpstream: 10 }])
  })

  it('leave out what comes twice at one time', () => {
    const history = new RateHistory()
    history.add(5, 0, 0)
    history.add(5, 100, 100)
    assert.deepEqual(history.rates, [])
  })

  it('go back for as long as can be drawn', () => {
    const history = new RateHistory()
    for (let i = 0; i < 1000; i += 1) history.add(i * 1000, i, i * i)
    assert.equal(history.rates.length, 150)
    assert.equal(history.rates.at(-1)?.fromUpstream, 2 * 999 - 1)
  })
})
