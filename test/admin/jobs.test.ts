import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Job, JobReport, JobState } from '../../src/admin/job.ts'
import { Jobs } from '../../src/admin/jobs.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { RegistryError } from '../../src/protocol/error.ts'

const START_MS = Date.parse('2026-01-01T00:00:00Z')

/** Jobs with a clock that a test sets. */
const makeJobs = () => {
  const clock = { nowMs: START_MS }
  const metrics = createMetrics()
  const jobs = new Jobs({ metrics, log: silentLogger, now: () => clock.nowMs })
  return { jobs, clock, metrics }
}

/** Work that lasts until the test, or the signal, ends it. */
const makeWork = () => {
  let end: (result: unknown) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const work = (job: Job) =>
    new Promise((resolve, reject) => {
      end = resolve
      fail = reject
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
    })
  return { work, end: (result?: unknown) => end(result), fail: (error: Error) => fail(error) }
}

/** The job once it has the given state; its end is a few turns of the event loop away. */
const until = async (jobs: Jobs, id: string, state: JobState): Promise<JobReport> => {
  for (let turns = 0; turns < 100; turns += 1) {
    if (jobs.find(id).state === state) return jobs.find(id)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return jobs.find(id)
}

const isError = (code: string, status: number, message: RegExp) => (error: unknown) =>
  error instanceof RegistryError &&
  error.code === code &&
  error.status === status &&
  message.test(error.message)

describe('a job', () => {
  it('is told of from its start to its end, with what it came to', async () => {
    const { jobs, clock, metrics } = makeJobs()
    const { id, ...started } = jobs.start('warm', async (job) => {
      job.progress.total = 2
      job.progress.done = 2
      job.progress.bytes = 10
      job.addItem('alpine:3').state = 'done'
      clock.nowMs += 1500
      return { fetched: 1 }
    })
    const startedAt = '2026-01-01T00:00:00.000Z'
    assert.deepEqual(started, { kind: 'warm', state: 'running', startedAt, progress: { done: 0, bytes: 0 } })
    assert.equal(
      await metrics.registry
        .getSingleMetricAsString('entrepot_jobs_running')
        .then((text) => /kind="warm"} 1/.test(text)),
      true,
    )
    assert.deepEqual(await until(jobs, id, 'done'), {
      id,
      kind: 'warm',
      state: 'done',
      startedAt,
      endedAt: '2026-01-01T00:00:01.500Z',
      progress: { done: 2, total: 2, bytes: 10 },
      result: { fetched: 1 },
      items: [{ name: 'alpine:3', state: 'done' }],
    })
    const text = await metrics.scrape.text()
    assert.match(text, /entrepot_jobs_running\{kind="warm"\} 0/)
    assert.match(text, /entrepot_jobs_total\{kind="warm",outcome="done"\} 1/)
  })

  it('that fails says why', async () => {
    const { jobs } = makeJobs()
    const { id } = jobs.start('gc', () => Promise.reject(new Error('a broken disk')))
    const { state, error } = await until(jobs, id, 'failed')
    assert.deepEqual([state, error], ['failed', 'a broken disk'])
  })

  it('is cancelled by its id, once and for all', async () => {
    const { jobs } = makeJobs()
    const { id } = jobs.start('scrub', makeWork().work)
    await new Promise((resolve) => setImmediate(resolve))
    jobs.cancel(id)
    const { state, error } = await until(jobs, id, 'cancelled')
    assert.deepEqual([state, error], ['cancelled', 'cancelled by an operator'])
    jobs.cancel(id)
    assert.equal(jobs.find(id).state, 'cancelled')
  })

  it('that nobody knows is neither found nor cancelled', () => {
    const { jobs } = makeJobs()
    for (const act of [() => jobs.find('nobody'), () => jobs.cancel('nobody')])
      assert.throws(act, isError('NAME_UNKNOWN', 404, /no job nobody/))
  })
})

describe('jobs', () => {
  for (const kind of ['scrub', 'gc'] as const)
    it(`of kind ${kind} run one at a time`, async () => {
      const { jobs } = makeJobs()
      const first = makeWork()
      const { id } = jobs.start(kind, first.work)
      assert.throws(() => jobs.start(kind, makeWork().work), isError('DENIED', 409, new RegExp(id)))
      await new Promise((resolve) => setImmediate(resolve))
      first.end()
      await until(jobs, id, 'done')
      assert.equal(jobs.start(kind, async () => {}).state, 'running')
      await jobs.close()
    })

  it('of different kinds, and warm-ups, run beside each other up to a bound', async () => {
    const { jobs } = makeJobs()
    jobs.start('scrub', makeWork().work)
    jobs.start('gc', makeWork().work)
    for (let count = 0; count < 8; count += 1) jobs.start('warm', makeWork().work)
    assert.throws(() => jobs.start('warm', makeWork().work), isError('DENIED', 409, /warm runs already/))
    await jobs.close()
  })

  it('are kept up to a hundred, the newest first, without their parts', async () => {
    const { jobs } = makeJobs()
    const lasting = makeWork()
    const { id: lastingId } = jobs.start('scrub', lasting.work)
    const ids: string[] = []
    for (let count = 0; count < 120; count += 1) {
      const { id } = jobs.start('warm', async (job) => job.addItem('alpine'))
      ids.push(id)
      await until(jobs, id, 'done')
    }
    const listed = jobs.list()
    assert.deepEqual(
      listed.map(({ id }) => id),
      [...ids.slice(-99).reverse(), lastingId],
    )
    assert.ok(listed.every(({ items }) => items === undefined))
    await jobs.close()
  })

  it('end with the server, which then takes no more', async () => {
    const { jobs } = makeJobs()
    const { id } = jobs.start('warm', makeWork().work)
    await new Promise((resolve) => setImmediate(resolve))
    await jobs.close()
    assert.deepEqual([jobs.find(id).state, jobs.find(id).error], ['cancelled', 'the server stops'])
    assert.throws(() => jobs.start('warm', async () => {}), isError('UNAVAILABLE', 503, /stops/))
  })

  it('keep no more than a thousand parts of one', async () => {
    const { jobs } = makeJobs()
    const { id } = jobs.start('warm', async (job) => {
      for (let count = 0; count < 1100; count += 1) job.addItem(`image:${count}`).state = 'done'
    })
    assert.equal((await until(jobs, id, 'done')).items?.length, 1000)
  })
})
