/**
 * Runs the suite against a registry that is already there:
 *
 *     CONFORMANCE_ORIGIN=http://127.0.0.1:5000 node --import tsx --test test/conformance/main.ts
 */
import { randomUUID } from 'node:crypto'
import { after, describe } from 'node:test'
import { Client } from './client.ts'
import { testConformance, testUncheckedConformance } from './suite.ts'

const origin = process.env.CONFORMANCE_ORIGIN ?? 'http://127.0.0.1:5000'
const run = randomUUID()
const repositories = { repository1: `conformance/${run}-1`, repository2: `conformance/${run}-2` }
const client = new Client({ origin, ...repositories, seed: run })

describe(`the registry at ${origin}`, () => {
  testConformance(() => client)
  testUncheckedConformance(() => client)
  after(() => client.close())
})
