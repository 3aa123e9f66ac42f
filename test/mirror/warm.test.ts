/** Warm-ups, ordered through the admin API of a mirror with a scripted upstream that counts what it is asked. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { JobReport } from '../../src/admin/job.ts'
import type { Clock } from '../../src/fetch/source.ts'
import { openAdmin, type TestAdmin } from '../support/admin.ts'
import { hastyClock, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage, makeIndex, type TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const ALPINE = '/v2/library/alpine/manifests/latest'

/** A clock whose pauses last until the test ends them. */
class HeldClock implements Clock {
  readonly now = hastyClock.now
  readonly random = hastyClock.random
  readonly #waiting: (() => void)[] = []
  #met: () => void = () => {}

  /** Pauses so far, in milliseconds. */
  readonly pauses: number[] = []

  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      this.pauses.push(ms)
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      this.#met()
    })

  /** Resolves when somebody pauses. */
  async paused(): Promise<void> {
    if (this.#waiting.length > 0) return
    await new Promise<void>((resolve) => {
      this.#met = resolve
    })
  }

  /** Ends all pauses. */
  goOn(): void {
    for (const end of this.#waiting.splice(0)) end()
  }
}

let hub: ScriptedUpstream
let entrepot: TestEntrepot
let admin: TestAdmin
let clock: HeldClock
let amd64: TestImage
let arm64: TestImage

const start = async (config: Record<string, unknown> = {}): Promise<void> => {
  entrepot = await startEntrepot({ upstream: hub, config, clock })
  admin = await openAdmin(entrepot)
}

beforeEach(async () => {
  clock = new HeldClock()
  hub = await startScriptedUpstream()
  amd64 = makeImage({ seed: 'amd64', layers: [1000, 2000] })
  arm64 = makeImage({ seed: 'arm64', layers: [3000] })
  for (const image of [amd64, arm64]) hub.addImage('library/alpine', undefined, image)
  const index = makeIndex([
    { image: amd64, os: 'linux', architecture: 'amd64' },
    { image: arm64, os: 'linux', architecture: 'arm64' },
  ])
  hub.addManifest('library/alpine', 'latest', index)
})
afterEach(async () => {
  await entrepot.stop()
  await hub.close()
})

/** The job when it has come to an end; every look at it is a call. */
const until = async (id: string, isReached: (job: JobReport) => boolean): Promise<JobReport> => {
  for (let looks = 0; looks < 2000; looks += 1) {
    const job = (await admin.call('job', { parameters: { id } })) as JobReport
    if (isReached(job)) return job
  }
  throw new Error('the job does not come to where it is expected')
}

const order = async (references: readonly string[], platforms?: readonly string[]): Promise<JobReport> =>
  (await admin.call('warm', { body: { references, ...(platforms && { platforms }) } })) as JobReport

const warm = async (references: readonly string[], platforms?: readonly string[]): Promise<JobReport> => {
  const { id } = await order(references, platforms)
  return until(id, ({ state }) => state !== 'running')
}

const countsOf = ({ counts }: ScriptedUpstream) => {
  const { manifestHead, manifest, blob, blobHead, tags } = counts
  return { manifestHead, manifest, blob, blobHead, tags }
}

const sizeOf = ({ manifest, config, layers }: TestImage): number =>
  [config, ...layers].reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.bytes.length)

const assertOffline = async (image: TestImage): Promise<void> => {
  await hub.stop()
  for (const path of [
    'manifests/latest',
    `manifests/${image.manifest.digest}`,
    ...[image.config, ...image.layers].map(({ digest }) => `blobs/${digest}`),
  ])
    assert.equal((await entrepot.get(`/v2/library/alpine/${path}`)).status, 200, path)
}

const PLATFORMS: readonly [string[] | undefined, counts: object][] = [
  [undefined, { manifestHead: 1, manifest: 2, blob: 3, blobHead: 0, tags: 0 }],
  [['linux/arm64'], { manifestHead: 1, manifest: 2, blob: 2, blobHead: 0, tags: 0 }],
  [['linux/amd64', 'linux/arm64'], { manifestHead: 1, manifest: 3, blob: 5, blobHead: 0, tags: 0 }],
]

describe('a warm-up', () => {
  for (const [platforms, counts] of PLATFORMS)
    it(`fetches an image for ${platforms?.join(' and ') ?? 'the configured platform'}, and nothing else`, async () => {
      await start()
      const { state, result, progress } = await warm(['alpine'], platforms)
      assert.equal(state, 'done')
      assert.deepEqual({ ...countsOf(hub) }, counts)
      assert.equal((result as { fetched: number }).fetched, 1)
      assert.equal(progress.bytes, progress.totalBytes)
      assert.deepEqual([progress.done, progress.total], [1, 1])
      await assertOffline(platforms?.[0] === 'linux/arm64' ? arm64 : amd64)
    })

  it('counts what it fetched, byte by byte, and is no read of a client', async () => {
    await start()
    hub.resetCounts()
    const { progress } = await warm(['alpine'])
    const index = await entrepot.get(ALPINE)
    assert.equal(progress.bytes, sizeOf(amd64) + index.body.length)
    assert.equal(await entrepot.metric('entrepot_warm_bytes_total'), progress.bytes)
    assert.equal(await entrepot.metric('entrepot_warm_images_total', { outcome: 'fetched' }), 1)
    assert.equal(await entrepot.metric('entrepot_reads_total', { type: 'manifest', answer: 'miss' }), 0)
    assert.equal(await entrepot.metric('entrepot_reads_total', { type: 'manifest', answer: 'hit' }), 1)
  })

  it('fetches nothing that is here', async () => {
    await start()
    await warm(['alpine'])
    hub.resetCounts()
    const { result, progress } = await warm(['docker.io/library/alpine:latest'])
    assert.deepEqual({ ...countsOf(hub) }, { manifestHead: 1, manifest: 0, blob: 0, blobHead: 0, tags: 0 })
    assert.deepEqual(result, { fetched: 0, present: 1, failed: 0, skipped: 0, bytes: 0 })
    assert.equal(progress.bytes, 0)
  })

  it('follows a tag that has moved, and fetches what is new of it', async () => {
    await start()
    await warm(['alpine'])
    const moved = hub.addImage('library/alpine', 'latest', { seed: 'moved', layers: [5000] })
    hub.resetCounts()
    await warm(['alpine'])
    assert.deepEqual({ ...countsOf(hub) }, { manifestHead: 1, manifest: 1, blob: 2, blobHead: 0, tags: 0 })
    await assertOffline(moved)
  })

  it('lists the tags that fit a glob', async () => {
    await start()
    for (const tag of ['3.20', '3.21', 'edge'])
      hub.addImage('library/alpine', tag, { seed: tag, layers: [100] })
    const { items, result } = await warm(['alpine:3.*'])
    assert.deepEqual(
      items?.map(({ name, state }) => `${name} ${state}`),
      ['alpine:3.* done', 'alpine:3.20 done', 'alpine:3.21 done'],
    )
    assert.equal((result as { fetched: number }).fetched, 2)
    assert.equal(hub.counts.tags, 1)
  })

  it('goes on with the others where one fails, and says why', async () => {
    await start()
    const { state, items, result } = await warm(['nothing:1', 'alpine', 'alpine:none-fits-*'])
    assert.equal(state, 'done')
    assert.deepEqual(
      items?.map(({ name, state: each }) => [name, each]),
      [
        ['nothing:1', 'failed'],
        ['alpine', 'done'],
        ['alpine:none-fits-*', 'failed'],
      ],
    )
    assert.match(items?.[0]?.error ?? '', /nothing:1/)
    assert.equal(items?.[2]?.error, 'no tag fits')
    assert.deepEqual(result, { ...(result as object), fetched: 1, failed: 2, skipped: 0 })
  })

  it('says that an image is there for none of the platforms', async () => {
    await start()
    const { items } = await warm(['alpine'], ['linux/s390x'])
    assert.deepEqual(items, [
      { name: 'alpine', state: 'failed', error: 'it is not there for any of the platforms' },
    ])
    assert.equal(hub.counts.blob, 0)
  })

  it('asks an upstream that is not well for no second image', async () => {
    await start()
    await hub.stop()
    const { items, result } = await warm(['one:1', 'two:2', 'three:3', 'four:4'])
    const states = items?.map(({ state }) => state) ?? []
    assert.ok(states.includes('failed') && states.includes('skipped'), states.join())
    assert.equal((result as { skipped: number }).skipped >= 2, true)
    await hub.start()
  })

  it('joins a client that pulls the same, and lets it go first', async () => {
    await start()
    const layer = amd64.layers[1]!
    const hang = hub.fault('blob', { hangAt: 500, when: ({ url }) => url.includes(layer.digest) })
    const { id } = await order(['alpine'])
    await hang.met
    const pulled = entrepot.get(`/v2/library/alpine/blobs/${layer.digest}`)
    // It is answered while the fetch stands still.
    hang.release()
    assert.equal((await pulled).body.length, layer.sizeBytes)
    const { state } = await until(id, (job) => job.state !== 'running')
    assert.equal(state, 'done')
    assert.equal(hub.counts.blob, 3)
  })

  it('is cancelled while it fetches, and the next one goes on from there', async () => {
    await start()
    const hang = hub.fault('blob', { hangAt: 500, when: ({ url }) => url.includes(amd64.layers[0]!.digest) })
    const { id } = await order(['alpine'])
    await hang.met
    await admin.call('cancelJob', { parameters: { id } })
    const { state, error } = await until(id, (job) => job.state !== 'running')
    assert.deepEqual([state, error], ['cancelled', 'cancelled by an operator'])
    hang.release()
    assert.equal((await warm(['alpine'])).state, 'done')
    assert.equal(hub.counts.blob, 3)
    await assertOffline(amd64)
  })
})

describe('below the watermark', () => {
  const tellLeft = (left: number): void => {
    hub.clearFaults()
    const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${left};w=21600` }
    for (const kind of ['manifest', 'manifestHead'] as const)
      hub.fault(kind, { headers, times: Number.POSITIVE_INFINITY })
  }

  it('a warm-up waits, spends no pull, and goes on when the window has moved', async () => {
    await start()
    tellLeft(9)
    const { id } = await order(['alpine'])
    await clock.paused()
    const waiting = await until(id, ({ items }) => items?.[0]?.state === 'waiting')
    assert.match(waiting.items?.[0]?.error ?? '', /9 of 100 pulls/)
    assert.deepEqual({ ...countsOf(hub) }, { manifestHead: 1, manifest: 0, blob: 0, blobHead: 0, tags: 0 })
    clock.goOn()
    // A HEAD, which does not count, tells that it is still so.
    await clock.paused()
    assert.deepEqual([hub.counts.manifestHead, hub.counts.manifest], [2, 0])
    tellLeft(50)
    clock.goOn()
    const { state, items } = await until(id, (job) => job.state !== 'running')
    assert.equal(state, 'done')
    assert.deepEqual(items, [{ name: 'alpine', state: 'done' }])
    assert.deepEqual([hub.counts.manifest, hub.counts.blob], [2, 3])
  })

  it('clients go on meanwhile', async () => {
    await start()
    tellLeft(9)
    const { id } = await order(['alpine'])
    await clock.paused()
    assert.equal((await entrepot.get(ALPINE)).status, 200)
    await admin.call('cancelJob', { parameters: { id } })
    const { state } = await until(id, (job) => job.state !== 'running')
    assert.equal(state, 'cancelled')
  })
})

describe('after a 429', () => {
  it('a warm-up waits as long as that says, and fails nothing', async () => {
    await start()
    hub.fault('manifest', { status: 429, headers: { 'retry-after': '90' } })
    const { id } = await order(['alpine'])
    await clock.paused()
    const { items } = await until(id, (job) => job.items?.[0]?.state === 'waiting')
    assert.match(items?.[0]?.error ?? '', /rate limit/)
    assert.equal(Math.round(clock.pauses[0]! / 1000), 90)
    await admin.call('cancelJob', { parameters: { id } })
  })
})

describe('an order that cannot be', () => {
  for (const [what, body, message] of [
    ['has no references', { references: [] }, /references/],
    ['names what is no image', { references: ['a b'] }, /"a b" is no reference/],
    ['names what is no platform', { references: ['alpine'], platforms: ['amd64'] }, /no platform such as/],
  ] as const)
    it(`is refused where it ${what}`, async () => {
      await start()
      const answer = await admin.ask('warm', { body })
      assert.equal(answer.status, 400)
      assert.match(answer.body.toString().replaceAll('\\"', '"'), message)
    })
})
