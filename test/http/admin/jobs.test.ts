import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type OperationName, openAdmin, type TestAdmin } from '../../support/admin.ts'
import { startEntrepot, type TestEntrepot } from '../../support/entrepot.ts'
import { makeImage } from '../../support/images.ts'
import { Pusher } from '../pusher.ts'

describe('upkeep that an operator starts', () => {
  let entrepot: TestEntrepot
  let admin: TestAdmin

  before(async () => {
    entrepot = await startEntrepot({ config: { storage: { delete: { enabled: true } } } })
    admin = await openAdmin(entrepot)
    await new Pusher(entrepot).image('team/app', '1', makeImage({ seed: 'upkeep' }))
  })
  after(() => entrepot.stop())

  /** Starts a job, and looks until it has ended. */
  const finish = async (name: 'startGc' | 'startScrub', body: Record<string, unknown>) => {
    const { id } = await admin.call(name as OperationName & typeof name, { body })
    for (;;) {
      const job = await admin.call('job', { parameters: { id } })
      if (job.state !== 'running') return job
    }
  }

  it('verifies everything that is stored', async () => {
    const { kind, state, progress, result } = await finish('startScrub', {})
    assert.deepEqual([kind, state, progress.done, progress.total], ['scrub', 'done', 4, 4])
    const { blobs, rottenLocal, left } = result as Record<string, number>
    assert.deepEqual({ blobs, rottenLocal, left }, { blobs: 4, rottenLocal: 0, left: 0 })
  })

  it('collects garbage, or only counts it', async () => {
    const { state, result } = await finish('startGc', { dryRun: true })
    assert.equal(state, 'done')
    const { isDryRun, repositories, blobs } = result as Record<string, unknown>
    assert.deepEqual({ isDryRun, repositories, blobs }, { isDryRun: true, repositories: 1, blobs: 0 })
    assert.equal((await finish('startGc', {})).state, 'done')
    const { jobs } = await admin.call('listJobs')
    assert.deepEqual(
      jobs.map(({ kind }) => kind),
      ['gc', 'gc', 'scrub'],
    )
  })
})

describe('garbage collection of a store that is not to be changed', () => {
  it('is refused, unless it only counts', async () => {
    const readonly = { storage: { maintenance: { readonly: { enabled: true } } } }
    const entrepot = await startEntrepot({ config: readonly })
    try {
      const admin = await openAdmin(entrepot)
      await admin.refuse('startGc', { body: {} }, 405, 'UNSUPPORTED')
      await admin.refuse('purge', { body: { all: true } }, 405, 'UNSUPPORTED')
      assert.equal((await admin.call('startGc', { body: { dryRun: true } })).kind, 'gc')
    } finally {
      await entrepot.stop()
    }
  })
})
