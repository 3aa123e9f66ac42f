import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { createMake } from '../../src/observe/make.ts'
import fc from '../support/fast-check.ts'

const BOUNDS = [0.1, 1, 10]
const LABELS = { kind: ['a', 'b'] }
const kind = fc.constantFrom('a', 'b')

/** The text of the metrics that `make` makes, twice in a row: a scrape must not change what is counted. */
const scrapeTwice = async (registry: Registry): Promise<string> => {
  await registry.metrics()
  return registry.metrics()
}

/** Those lines of an exposition that say anything, in any order. */
const samples = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join()}}`))
    .sort()

describe('a series', () => {
  it('of a histogram is exported as prom-client exports one', async () => {
    const observed = fc.array(fc.tuple(kind, fc.double({ min: 0, max: 20, noNaN: true })), { maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(observed, async (values) => {
        const [ours, theirs] = [new Registry(), new Registry()]
        const hot = createMake(ours).histogram('x_seconds', 'Time', BOUNDS, LABELS)
        const registers = [theirs]
        const plain = new Histogram({
          name: 'x_seconds',
          help: 'Time',
          labelNames: ['kind'],
          buckets: BOUNDS,
          registers,
        })
        for (const each of LABELS.kind) plain.zero({ kind: each })
        for (const [each, value] of values) {
          hot.series({ kind: each }).observe(value)
          plain.observe({ kind: each }, value)
        }
        assert.deepEqual(samples(await scrapeTwice(ours)), samples(await scrapeTwice(theirs)))
      }),
      { numRuns: 50 },
    )
  })

  it('of a counter or a gauge adds up with what is counted by labels, whenever it is scraped', async () => {
    const step = fc.record({
      kind,
      value: fc.integer({ min: 0, max: 9 }),
      isHot: fc.boolean(),
      isScraped: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const [ours, theirs] = [new Registry(), new Registry()]
        const make = createMake(ours)
        const hot = [make.counter('x_total', 'Count', LABELS), make.gauge('x', 'Level', LABELS)]
        const options = { labelNames: ['kind'] as const, registers: [theirs] }
        const plain = [
          new Counter({ name: 'x_total', help: 'Count', ...options }),
          new Gauge({ name: 'x', help: 'Level', ...options }),
        ]
        for (const metric of plain) for (const each of LABELS.kind) metric.inc({ kind: each }, 0)
        for (const { kind: each, value, isHot, isScraped } of steps) {
          for (const metric of plain) metric.inc({ kind: each }, value)
          for (const metric of hot)
            if (isHot) metric.series({ kind: each }).value += value
            else metric.inc({ kind: each }, value)
          if (isScraped) await ours.metrics()
        }
        assert.deepEqual(samples(await scrapeTwice(ours)), samples(await scrapeTwice(theirs)))
      }),
      { numRuns: 50 },
    )
  })

  it('is one for the same labels, in whatever order they are written', () => {
    const counter = createMake(new Registry()).counter('x_total', 'Count', { a: [], b: [] })
    assert.equal(counter.series({ a: '1', b: '2' }), counter.series({ b: '2', a: '1' }))
    assert.notEqual(counter.series({ a: '1', b: '2' }), counter.series({ a: '2', b: '1' }))
  })
})
