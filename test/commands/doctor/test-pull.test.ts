import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AdminClient } from '../../../src/commands/admin-client.ts'
import { UsageError } from '../../../src/commands/command.ts'
import { parsePull, watchPull } from '../../../src/commands/doctor/test-pull.ts'
import { errorBody, type Reply, startFakeAdmin } from '../../support/fake-admin.ts'
import { PLAIN } from './files.ts'

const refused: Reply = { status: 401, json: errorBody('UNAUTHORIZED', 'no') }

/** Watches a server of which a pull is seen at the `at`-th look. */
const watch = async (at: number, over: Readonly<Record<string, Reply>> = {}) => {
  let looks = 0
  const fake = await startFakeAdmin({
    'GET /admin/v1/explain': { json: { repository: 'library/alpine' } },
    'GET /admin/v1/status': () => {
      looks += 1
      const hits = looks > at ? 1 : 0
      return { json: { traffic: { hits, misses: 0, toClientsBytes: 0, fromUpstreamBytes: 0 } } }
    },
    'GET /admin/v1/contents': () => ({ json: { pulls: looks > at ? 1 : 0 } }),
    ...over,
  })
  const client = new AdminClient({ url: fake.url, authorization: undefined, source: '' })
  try {
    const finding = await watchPull(client, PLAIN, 'localhost:5000/alpine', { watchMs: 5, lookMs: 1 })
    return { finding, asked: fake.asked.map(({ call }) => call) }
  } finally {
    await client.close()
    await fake.stop()
  }
}

describe('a pull that somebody does elsewhere', () => {
  it('is seen as soon as it comes, whatever the mirror is called in its reference', async () => {
    const { finding, asked } = await watch(3)
    assert.equal(finding.level, 'ok')
    assert.equal(asked[0], 'GET /admin/v1/explain?reference=alpine')
    assert.equal(asked.filter((call) => call === 'GET /admin/v1/status').length, 4)
  })

  it('went around where nothing comes', async () => {
    assert.equal((await watch(100)).finding.level, 'problem')
  })

  it('may have been somebody else’s where only the counters may be seen', async () => {
    assert.equal((await watch(2, { 'GET /admin/v1/explain': refused })).finding.level, 'warning')
    assert.equal((await watch(2, { 'GET /admin/v1/contents': refused })).finding.level, 'warning')
  })
})

describe('a command line that pulls', () => {
  it('ends with the image', () => {
    const text = 'sudo nerdctl pull "ghcr.io/org/app:v1"'
    assert.deepEqual(parsePull(text), { text, command: ['sh', '-c', text], reference: 'ghcr.io/org/app:v1' })
    for (const wrong of ['', '  ', 'docker pull -q']) assert.throws(() => parsePull(wrong), UsageError)
  })
})
