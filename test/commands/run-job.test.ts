import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Job } from '../../src/commands/admin-answers.ts'
import { AdminClient } from '../../src/commands/admin-client.ts'
import { isWellDone, watchJob } from '../../src/commands/run-job.ts'
import { startFakeAdmin } from '../support/fake-admin.ts'

const job = (over: Partial<Job>): Job => ({
  id: 'j1',
  kind: 'warm',
  state: 'running',
  startedAt: '2026-06-01T12:00:00Z',
  progress: { done: 0, total: 2, bytes: 0 },
  ...over,
})

/** Watches a job that is as `looks` say, one after the other; `signal` is aborted before the first look where it says so. */
const watch = async (looks: readonly Job[], isInterrupted = false) => {
  let look = 0
  const fake = await startFakeAdmin({
    'GET /admin/v1/jobs/j1': () => ({ json: looks[Math.min(look++, looks.length - 1)] }),
    'DELETE /admin/v1/jobs/j1': {},
  })
  const client = new AdminClient({ url: fake.url, authorization: undefined, source: '' })
  let shown = ''
  const signal = isInterrupted ? AbortSignal.abort() : new AbortController().signal
  try {
    const options = { screen: { write: (text: string) => (shown += text) }, now: () => 0, signal, lookMs: 0 }
    return { end: await watchJob(client, job({}), options), shown, asked: fake.asked.map(({ call }) => call) }
  } finally {
    await client.close()
    await fake.stop()
  }
}

describe('watching a job', () => {
  it('ends with it, and tells each part that failed once', async () => {
    const items = [
      { name: 'alpine:3', state: 'done' },
      { name: 'gone:1', state: 'failed', error: 'not there' },
    ]
    const { end, shown } = await watch([
      job({}),
      job({ items }),
      job({ items }),
      job({ items, state: 'done' }),
    ])
    assert.equal(end.state, 'done')
    assert.equal(shown, 'gone:1: failed, not there\n')
    assert.equal(isWellDone(end), false)
    assert.equal(isWellDone(job({ state: 'done' })), true)
    assert.equal(isWellDone(job({ state: 'cancelled' })), false)
  })

  it('cancels it once when it is interrupted, and waits for that', async () => {
    const { end, asked } = await watch([job({}), job({}), job({ state: 'cancelled' })], true)
    assert.equal(end.state, 'cancelled')
    assert.deepEqual(asked, ['DELETE /admin/v1/jobs/j1', ...Array(3).fill('GET /admin/v1/jobs/j1')])
  })
})
