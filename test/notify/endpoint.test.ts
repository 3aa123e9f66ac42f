import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Endpoint, type EndpointSettings, type EndpointTools } from '../../src/notify/endpoint.ts'
import type { RegistryEvent } from '../../src/notify/event.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'

const SETTINGS: EndpointSettings = {
  name: 'hook',
  timeoutMs: 10_000,
  threshold: 3,
  backoffMs: 1000,
  ignoredMediaTypes: new Set(),
  ignoredActions: new Set(),
}

/** An endpoint whose posts are answered by the test, with a record of what it sent and how long it paused. */
class Scene {
  readonly sent: string[] = []
  readonly pauses: number[] = []
  readonly logged: string[] = []
  readonly metrics = createMetrics()
  readonly endpoint: Endpoint
  isPosterClosed = false
  /** What becomes of the next posts; 200 afterwards. `hold` waits for {@link release}. */
  readonly answers: (number | Error | 'hold')[] = []
  nowMs = 0
  #release: () => void = () => {}
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(settings: Partial<EndpointSettings> = {}, tools: Partial<EndpointTools> = {}) {
    const log = { ...silentLogger, error: (_: object, text: string) => this.logged.push(text) }
    this.endpoint = new Endpoint(
      { ...SETTINGS, ...settings },
      {
        poster: {
          post: (body, signal) => this.#post(body, signal),
          close: async () => {
            this.isPosterClosed = true
          },
        },
        metrics: this.metrics,
        log: Object.assign(Object.create(silentLogger), log),
        now: () => this.nowMs,
        sleep: async (ms) => {
          this.pauses.push(ms)
          await setImmediate()
        },
        ...tools,
      },
    )
  }

  offer(...bodies: string[]): void {
    for (const body of bodies) this.endpoint.offer(body)
  }

  /** Resolves when so many bodies have been sent in all. */
  async hasSent(count: number): Promise<void> {
    if (this.sent.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
  }

  release(): void {
    this.#release()
  }

  async count(type: string): Promise<number | undefined> {
    const { values } = await this.metrics.notificationEvents.get()
    return values.find(({ labels }) => labels.type === type)?.value
  }

  async #post(body: string, signal: AbortSignal): Promise<number> {
    this.sent.push(body)
    const answer = this.answers.shift() ?? 200
    for (const { resolve } of this.#waiting.filter(({ count }) => this.sent.length >= count)) resolve()
    if (answer instanceof Error) throw answer
    if (answer !== 'hold') return answer
    return new Promise((resolve, reject) => {
      this.#release = () => resolve(200)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
}

const event = (fields: Partial<RegistryEvent>): RegistryEvent =>
  ({ action: 'push', mediaType: 'application/x', ...fields }) as RegistryEvent

describe('an endpoint', () => {
  it('is told of everything in order, one after the other', async () => {
    const scene = new Scene()
    scene.answers.push('hold')
    scene.offer('1', '2', '3')
    await scene.hasSent(1)
    assert.deepEqual(scene.sent, ['1'])
    scene.release()
    await scene.endpoint.close(1000)
    assert.deepEqual(scene.sent, ['1', '2', '3'])
  })

  it('takes an event with 2xx and 3xx, and nothing else', async () => {
    const scene = new Scene()
    scene.answers.push(204, 302, 199, 400, 503, new Error('refused'), 200)
    scene.offer('a', 'b', 'c')
    await scene.hasSent(7)
    await scene.endpoint.close(1000)
    assert.deepEqual(scene.sent, ['a', 'b', 'c', 'c', 'c', 'c', 'c'])
  })

  it('is tried again at once at first, from the threshold on at the interval of backoff, without end', async () => {
    const scene = new Scene()
    scene.answers.push(...Array.from({ length: 6 }, () => 500))
    scene.offer('a', 'b')
    await scene.hasSent(8)
    await scene.endpoint.close(1000)
    assert.deepEqual(scene.pauses, [50, 50, 1000, 1000, 1000, 1000])
    assert.deepEqual(scene.sent, ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'b'])
  })

  it('counts failures in a row: one success begins anew', async () => {
    const scene = new Scene({ threshold: 2 })
    scene.answers.push(500, 200, 500, 200)
    scene.offer('a', 'b')
    await scene.hasSent(4)
    await scene.endpoint.close(1000)
    assert.deepEqual(scene.pauses, [50, 50])
  })

  it('is given up on when it does not answer in time', async () => {
    const scene = new Scene({ timeoutMs: 1 })
    scene.answers.push('hold')
    scene.offer('a')
    await scene.hasSent(2)
    await scene.endpoint.close(1000)
    assert.deepEqual(scene.sent, ['a', 'a'])
    assert.equal(await scene.count('Errors'), 1)
  })

  it('loses the oldest where more waits than there is room for, counted and logged', async () => {
    const scene = new Scene({}, { limits: { events: 2, bytes: 1000 } })
    scene.answers.push('hold')
    scene.offer('1', '2', '3', '4', '5')
    scene.release()
    await scene.endpoint.close(1000)
    assert.deepEqual(scene.sent, ['1', '4', '5'], 'the one under way is not lost')
    const dropped = await scene.metrics.notificationsDropped.get()
    assert.deepEqual(dropped.values, [{ value: 2, labels: { endpoint: 'hook' } }])
    assert.equal(scene.logged.length, 1, 'not once for each')
  })

  it('logs further losses after a while', async () => {
    const scene = new Scene({}, { limits: { events: 1, bytes: 1000 } })
    scene.answers.push('hold')
    scene.offer('1', '2', '3', '4')
    scene.nowMs = 60_000
    scene.offer('5')
    assert.equal(scene.logged.length, 2)
    scene.release()
    await scene.endpoint.close(1000)
  })

  it('is told nothing after it was closed, and its connection is closed', async () => {
    const scene = new Scene()
    await scene.endpoint.close(1000)
    scene.offer('late')
    assert.deepEqual([scene.sent, scene.isPosterClosed], [[], true])
  })

  it('does not hold a stop up while it fails', async () => {
    const scene = new Scene()
    scene.answers.push(...Array.from({ length: 1000 }, () => 500))
    scene.offer('a', 'b')
    await scene.hasSent(2)
    await scene.endpoint.close(60_000)
    assert.ok(!scene.sent.includes('b'))
  })

  it('holds a stop up no longer than it may', async () => {
    const scene = new Scene()
    scene.answers.push('hold')
    scene.offer('a', 'b')
    await scene.endpoint.close(1)
    assert.deepEqual(scene.sent, ['a'])
  })

  it('is counted as distribution counts', async () => {
    const scene = new Scene()
    scene.answers.push(200, 500, new Error('refused'), 200)
    scene.offer('a', 'b')
    await scene.hasSent(4)
    await scene.endpoint.close(1000)
    const counts = await Promise.all(
      ['Events', 'Successes', 'Failures', 'Errors'].map((type) => scene.count(type)),
    )
    assert.deepEqual(counts, [2, 2, 1, 1])
    const pending = await scene.metrics.notificationsPending.get()
    assert.deepEqual(pending.values, [{ value: 0, labels: { endpoint: 'hook' } }])
    const status = await scene.metrics.notificationStatus.get()
    assert.deepEqual(
      status.values.map(({ labels, value }) => [labels.code, value]),
      [
        ['200 OK', 2],
        ['500 Internal Server Error', 1],
      ],
    )
  })

  const filters: [
    what: string,
    settings: Partial<EndpointSettings>,
    event: RegistryEvent,
    isWanted: boolean,
  ][] = [
    ['an event', {}, event({}), true],
    ['an ignored action', { ignoredActions: new Set(['push']) }, event({}), false],
    ['another action', { ignoredActions: new Set(['pull']) }, event({}), true],
    ['an ignored media type', { ignoredMediaTypes: new Set(['application/x']) }, event({}), false],
    ['another media type', { ignoredMediaTypes: new Set(['application/y']) }, event({}), true],
    [
      'a delete, which has no media type',
      { ignoredMediaTypes: new Set(['application/x']) },
      event({ action: 'delete', mediaType: undefined }),
      true,
    ],
  ]
  for (const [what, settings, each, isWanted] of filters)
    it(`${isWanted ? 'wants' : 'does not want'} ${what}`, () => {
      assert.equal(new Scene(settings).endpoint.wants(each), isWanted)
    })
})
