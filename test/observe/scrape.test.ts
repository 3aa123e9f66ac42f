import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Gauge, Registry } from 'prom-client'
import { Scrape } from '../../src/observe/scrape.ts'

const open = (deadlineMs?: number) => {
  const registry = new Registry()
  const gauge = new Gauge({ name: 'x', help: 'A figure', registers: [registry] })
  return { scrape: new Scrape(registry, deadlineMs), gauge }
}

describe('a scrape', () => {
  it('asks for figures first, whether they come at once or later', async () => {
    const { scrape, gauge } = open()
    scrape.before(() => gauge.inc(1))
    scrape.before(async () => {
      await Promise.resolve()
      gauge.inc(10)
    })
    assert.match(await scrape.text(), /^x 11$/m)
    assert.match(await scrape.text(), /^x 22$/m)
  })

  it('does without a figure that fails', async () => {
    const { scrape, gauge } = open()
    scrape.before(() => {
      throw new Error('not to be had')
    })
    scrape.before(() => Promise.reject(new Error('nor this')))
    scrape.before(() => gauge.set(5))
    assert.match(await scrape.text(), /^x 5$/m)
  })

  it('does without a figure that does not come', async () => {
    const { scrape, gauge } = open(1)
    scrape.before(() => new Promise(() => {}))
    scrape.before(() => gauge.set(5))
    assert.match(await scrape.text(), /^x 5$/m)
  })

  it('says that it is the text format of Prometheus', () => {
    assert.match(open().scrape.mediaType, /^text\/plain; version=0\.0\.4/)
  })
})
