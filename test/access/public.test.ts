import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PublicRepositories } from '../../src/access/public.ts'
import type { RepositoryName } from '../../src/protocol/name.ts'

const NAME = 'acme/app' as RepositoryName
const HOUR_MS = 3_600_000

/** An upstream that says what the test lets it say: public, not public, or nothing. */
const setUp = () => {
  const clock = { nowMs: Date.UTC(2026, 0, 1) }
  const kept = new Map<string, string>()
  const store = {
    isBroken: false,
    async read(key: string) {
      if (store.isBroken) throw new Error('io')
      const text = kept.get(key)
      return text === undefined ? undefined : Buffer.from(text)
    },
    async writeLazily(key: string, bytes: Uint8Array | string) {
      if (store.isBroken) throw new Error('io')
      kept.set(key, String(bytes))
    },
  }
  const upstream = {
    name: 'docker.io',
    hasCredentials: true,
    says: true as boolean | Error,
    asked: [] as string[],
    async isPublic(remoteName: string) {
      upstream.asked.push(remoteName)
      if (upstream.says instanceof Error) throw upstream.says
      return upstream.says
    },
  }
  const problems: string[] = []
  const open = () =>
    new PublicRepositories({ store, now: () => clock.nowMs, onProblem: (message) => problems.push(message) })
  const question = { name: NAME, remoteName: 'acme/app', upstream }
  return { clock, kept, store, upstream, problems, open, question }
}

/** Lets what runs behind a request come to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('PublicRepositories', () => {
  it('asks once, for all who wait, and keeps the answer over a restart', async () => {
    for (const isPublic of [true, false]) {
      const { open, question, upstream } = setUp()
      upstream.says = isPublic
      const answers = open()
      assert.deepEqual(await Promise.all([answers.isPublic(question), answers.isPublic(question)]), [
        isPublic,
        isPublic,
      ])
      assert.equal(await answers.isPublic(question), isPublic)
      assert.equal(await open().isPublic(question), isPublic)
      assert.deepEqual(upstream.asked, ['acme/app'])
    }
  })

  it('asks nothing of an upstream that has no credentials', async () => {
    const { open, question, upstream } = setUp()
    upstream.hasCredentials = false
    upstream.says = false
    assert.equal(await open().isPublic(question), true)
    assert.deepEqual(upstream.asked, [])
  })

  it('takes a question that fails for "not public", says so, and does not remember it', async () => {
    const { open, question, upstream, kept, problems } = setUp()
    upstream.says = new Error('429')
    const answers = open()
    assert.equal(await answers.isPublic(question), false)
    assert.equal(kept.size, 0)
    assert.match(problems[0] ?? '', /docker\.io .*acme\/app/)
    upstream.says = true
    assert.equal(await answers.isPublic(question), true)
  })

  it('asks again behind the request when an answer is old', async () => {
    for (const [first, age] of [
      [true, 6 * HOUR_MS],
      [false, HOUR_MS / 2],
    ] as const) {
      const { clock, open, question, upstream } = setUp()
      upstream.says = first
      const answers = open()
      await answers.isPublic(question)
      clock.nowMs += age - 1
      await answers.isPublic(question)
      await settle()
      assert.equal(upstream.asked.length, 1)
      upstream.says = !first
      clock.nowMs += 1
      assert.equal(await answers.isPublic(question), first, 'nobody waits for it')
      await settle()
      assert.equal(await answers.isPublic(question), !first)
      assert.equal(upstream.asked.length, 2)
    }
  })

  it('keeps an old answer through an outage, and pauses between its questions', async () => {
    const { clock, open, question, upstream } = setUp()
    await open().isPublic(question)
    clock.nowMs += 100 * HOUR_MS
    upstream.says = new Error('unreachable')
    const answers = open()
    for (let i = 0; i < 10; i++) {
      assert.equal(await answers.isPublic(question), true)
      await settle()
    }
    assert.equal(upstream.asked.length, 2)
    clock.nowMs += 5 * 60_000
    assert.equal(await answers.isPublic(question), true)
    assert.equal(upstream.asked.length, 3)
  })

  it('does not take the answer of another upstream of that name', async () => {
    const { open, question, upstream } = setUp()
    const answers = open()
    await answers.isPublic(question)
    const other = {
      ...question,
      upstream: { name: 'other.example', hasCredentials: true, isPublic: async () => false },
    }
    assert.equal(await answers.isPublic(other), false)
    assert.equal(upstream.asked.length, 1)
  })

  it('asks where what was kept makes no sense', async () => {
    for (const text of ['', 'null', '{}', '{"isPublic":"yes","askedAtMs":0,"upstream":"docker.io"}', '[']) {
      const { open, question, upstream, kept } = setUp()
      await open().isPublic(question)
      for (const key of kept.keys()) kept.set(key, text)
      upstream.says = false
      assert.equal(await open().isPublic(question), false, text)
    }
  })

  it('goes on with a store that neither reads nor writes, and says so', async () => {
    const { open, question, store, upstream, problems } = setUp()
    store.isBroken = true
    const answers = open()
    assert.equal(await answers.isPublic(question), true)
    assert.equal(await answers.isPublic(question), true)
    assert.equal(upstream.asked.length, 1)
    assert.equal(problems.length, 2)
  })
})
