import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { setImmediate as nextRound } from 'node:timers/promises'
import { Audience } from '../../src/fetch/audience.ts'
import { type LayerOrder, LayerOrders } from '../../src/fetch/layer-order.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'

const WINDOW_MS = 100
const SECOND = 10
const WINDOWS_UNTIL_MEASURED = 2
/** Bytes that the wire carries in a window, and in how many pieces. */
const WIRE = 1200
const PIECES = 10
const LARGE = 1_000_000

interface LayerOptions {
  readonly sizeBytes?: number
  readonly clients?: readonly string[]
  /** How much of it an earlier fetch has left. */
  readonly from?: number
}

/** A layer that is fetched by an upstream which sends what it is told to. */
class FakeLayer {
  readonly audience = new Audience()
  isAsked = false
  /** Bytes that were passed on. */
  received = 0
  error: unknown
  readonly ended: Promise<void>
  readonly #abort = new AbortController()
  readonly #sizeBytes: number
  #send: ((bytes: number | Error) => void) | undefined

  constructor(
    order: LayerOrder,
    index: number,
    { sizeBytes = LARGE, clients = ['a'], from = 0 }: LayerOptions,
  ) {
    for (const client of clients) this.audience.enter(client)
    this.#sizeBytes = sizeBytes - from
    const layer = {
      index,
      from,
      sizeBytes: () => sizeBytes,
      audience: this.audience,
      signal: this.#abort.signal,
    }
    this.ended = this.#read(order.take(layer, this.#chunks())).catch((error: unknown) => {
      this.error = error
    })
  }

  /** Whether bytes would be taken from the wire now. */
  get isReading(): boolean {
    return this.#send !== undefined
  }

  send(bytes: number): void {
    this.#send?.(Math.min(bytes, this.#sizeBytes - this.received))
  }

  fail(error: Error): void {
    this.#send?.(error)
  }

  abort(): void {
    this.#abort.abort(new Error('ended'))
  }

  async #read(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const { length } of chunks) this.received += length
  }

  async *#chunks(): AsyncGenerator<Buffer, void, void> {
    this.isAsked = true
    for (let left = this.#sizeBytes; left > 0; ) {
      this.#abort.signal.throwIfAborted()
      const sent = await new Promise<number | Error>((resolve) => {
        this.#send = resolve
      })
      this.#send = undefined
      if (sent instanceof Error) throw sent
      left -= sent
      yield Buffer.alloc(sent)
    }
  }
}

/** What a wire carries in a window. */
interface Wire {
  readonly wire?: number
  /** The most that one layer gets of it. */
  readonly each?: number
  /** Layers that hang. */
  readonly except?: readonly FakeLayer[]
}

/** Layers of an image on one wire. */
class Scene {
  nowMs = 0
  readonly orders = new LayerOrders(() => this.nowMs)
  readonly upstream = {} as Upstream
  readonly layers: FakeLayer[] = []
  #order = this.orders.create(this.upstream)

  begin(index: number, options: LayerOptions = {}): FakeLayer {
    const layer = new FakeLayer(this.#order, index, options)
    this.layers.push(layer)
    return layer
  }

  /** Three layers that are asked for at once. */
  beginThree(sizeBytes = LARGE): readonly [FakeLayer, FakeLayer, FakeLayer] {
    return [this.begin(0, { sizeBytes }), this.begin(1, { sizeBytes }), this.begin(2, { sizeBytes })]
  }

  /** What comes from now on is of another image. */
  beginImage(): void {
    this.layers.length = 0
    this.#order = this.orders.create(this.upstream)
  }

  /** Some windows of a wire that whoever reads shares evenly. */
  async pass(windows: number, options: Wire = {}): Promise<void> {
    const { wire = WIRE, each = wire, except = [] } = options
    for (let window = 0; window < windows; window += 1) {
      for (let piece = 0; piece < PIECES; piece += 1) {
        await nextRound()
        const reading = this.layers.filter((layer) => layer.isReading && !except.includes(layer))
        for (const layer of reading) layer.send(Math.min(each, wire / reading.length) / PIECES)
      }
      await nextRound()
      this.nowMs += WINDOW_MS
      mock.timers.tick(WINDOW_MS)
    }
    await nextRound()
  }

  /** How many bytes each layer got in some windows. */
  async shares(windows: number, options: Wire = {}): Promise<number[]> {
    const before = this.layers.map(({ received }) => received)
    await this.pass(windows, options)
    return this.layers.map(({ received }, i) => Math.round(received - (before[i] as number)))
  }
}

describe('the layers of an image that are fetched at once', () => {
  let scene: Scene

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval'] })
    scene = new Scene()
  })

  afterEach(() => mock.timers.reset())

  it('share the wire until it is known what it carries, and then come in their order', async () => {
    scene.beginThree()
    assert.deepEqual(await scene.shares(WINDOWS_UNTIL_MEASURED), [800, 800, 800])
    // What each had asked for already still comes.
    await scene.pass(1)
    assert.deepEqual(await scene.shares(1), [WIRE, 0, 0])
  })

  it('come in their order, in whichever they were asked for', async () => {
    for (const index of [2, 0, 1]) scene.begin(index)
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.deepEqual(await scene.shares(1), [0, WIRE, 0])
  })

  it('go on when all but a window’s bytes of the lower ones is here', async () => {
    const [first] = scene.beginThree(30 * WIRE)
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    while (first.received < 30 * WIRE) {
      const [, ofSecond, ofThird] = await scene.shares(1)
      const isNearlyHere = first.received > 29 * WIRE
      assert.deepEqual([(ofSecond as number) > 0, ofThird], [isNearlyHere, 0])
    }
  })

  it('leave the wire idle at no time', async () => {
    scene.beginThree(5 * WIRE)
    for (let window = 0; window < 15; window += 1)
      assert.equal(
        (await scene.shares(1)).reduce((sum, bytes) => sum + bytes),
        WIRE,
      )
    await Promise.all(scene.layers.map(({ ended }) => ended))
  })

  it('are asked for when it is their turn', async () => {
    const [first] = scene.beginThree(10 * WIRE)
    await scene.pass(WINDOWS_UNTIL_MEASURED)
    const fourth = scene.begin(3)
    await scene.pass(3)
    assert.equal(fourth.isAsked, false)
    await scene.pass(30)
    await first.ended
    assert.equal(fourth.isAsked, true)
  })

  it('are not measured while they are still getting faster', async () => {
    scene.beginThree()
    for (const wire of [300, 600, 1200])
      assert.deepEqual(await scene.shares(1, { wire }), [wire / 3, wire / 3, wire / 3])
    assert.deepEqual(await scene.shares(1), [400, 400, 400])
    await scene.pass(1)
    assert.deepEqual(await scene.shares(1), [WIRE, 0, 0])
  })

  it('are not measured by what is left of a wire that collapses', async () => {
    scene.beginThree()
    await scene.pass(1)
    await scene.pass(1, { wire: WIRE / 10 })
    assert.deepEqual(await scene.shares(1), [400, 400, 400])
  })

  describe('from an upstream that gives each connection only so much', () => {
    const each = WIRE / 3

    it('wait for a second, and share the wire from then on', async () => {
      scene.beginThree()
      await scene.pass(WINDOWS_UNTIL_MEASURED + SECOND, { each })
      assert.deepEqual(await scene.shares(SECOND, { each }), [4000, 4000, 4000])
    })

    it('wait no longer than that where some were asked for later', async () => {
      const first = scene.begin(0)
      const later = [scene.begin(1), scene.begin(2)]
      await scene.pass(4, { each, except: later })
      await scene.pass(WINDOWS_UNTIL_MEASURED + SECOND, { each })
      assert.deepEqual(await scene.shares(SECOND, { each }), [4000, 4000, 4000])
      assert.ok(first.isReading)
    })

    it('wait no longer than that where what was under way comes in between', async () => {
      scene.beginThree()
      await scene.pass(WINDOWS_UNTIL_MEASURED, { each })
      for (let i = 0; i < 3; i += 1) {
        await scene.pass(SECOND / 2, { each })
        await scene.pass(1, { each: 3 * WIRE, wire: 3 * WIRE })
      }
      assert.deepEqual(await scene.shares(SECOND, { each }), [4000, 4000, 4000])
    })

    it('are held back once more after a minute, and come in their order if that has changed', async () => {
      scene.beginThree()
      await scene.pass(60 * SECOND, { each })
      await scene.pass(3 * SECOND, { wire: each })
      assert.deepEqual(await scene.shares(SECOND, { wire: each }), [each * SECOND, 0, 0])
    })

    it('are not held back again for a minute, nor are those of another image', async () => {
      scene.beginThree()
      await scene.pass(WINDOWS_UNTIL_MEASURED + SECOND, { each })
      scene.beginImage()
      scene.beginThree()
      assert.deepEqual(await scene.shares(50 * SECOND, { each }), [200_000, 200_000, 200_000])
      await scene.pass(10 * SECOND + WINDOWS_UNTIL_MEASURED + 1)
      assert.equal((await scene.shares(1))[2], 0)
    })
  })

  it('do not wait for one that has hung for a second', async () => {
    const [first] = scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 5 * SECOND)
    assert.deepEqual(await scene.shares(SECOND / 2, { except: [first] }), [0, 0, 0])
    await scene.pass(SECOND / 2, { except: [first] })
    assert.deepEqual(await scene.shares(1, { except: [first] }), [0, WIRE / 2, WIRE / 2])
  })

  it('do not wait for one that hangs where another one that does not wait fills the wire', async () => {
    const [first, , third] = scene.beginThree()
    third.audience.hurry()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.deepEqual(await scene.shares(1, { except: [first] }), [0, 0, WIRE])
    await scene.pass(SECOND, { except: [first] })
    assert.deepEqual(await scene.shares(1, { except: [first] }), [0, WIRE / 2, WIRE / 2])
  })

  it('do not wait for one of which the upstream does not begin to send', async () => {
    const upper = [scene.begin(1), scene.begin(2)]
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    const first = scene.begin(0)
    await scene.pass(SECOND + 1, { except: [first] })
    assert.deepEqual(
      (await scene.shares(1, { except: [first] })).slice(0, 2),
      upper.map(() => WIRE / 2),
    )
  })

  it('get something every ten seconds, however long the lower ones take', async () => {
    scene.beginThree(100 * LARGE)
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.deepEqual((await scene.shares(9 * SECOND)).slice(1), [0, 0])
    assert.ok((await scene.shares(2 * SECOND)).every((bytes) => bytes >= WIRE / 3))
    assert.deepEqual((await scene.shares(5 * SECOND)).slice(1), [0, 0])
  })

  it('wait for nobody whom one of their own clients does not want', async () => {
    const [, , third] = scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.equal((await scene.shares(1))[2], 0)
    const leave = third.audience.enter('b')
    await scene.pass(2)
    assert.deepEqual(await scene.shares(1), [WIRE / 2, 0, WIRE / 2])
    leave()
    await scene.pass(1)
    assert.deepEqual(await scene.shares(1), [WIRE, 0, 0])
  })

  it('wait where nobody wants them yet', async () => {
    scene.begin(0)
    for (const index of [1, 2]) scene.begin(index, { clients: [] })
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.deepEqual(await scene.shares(1), [WIRE, 0, 0])
  })

  it('wait for nobody where a part of them is wanted', async () => {
    for (const layer of scene.beginThree()) layer.audience.hurry()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.deepEqual(await scene.shares(1), [400, 400, 400])
  })

  it('do not wait where little of them is missing', async () => {
    scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    const small = scene.begin(3, { sizeBytes: WIRE / 2 })
    await scene.pass(2)
    assert.equal(small.received, WIRE / 2)
  })

  it('do not wait where most of them was left by an earlier fetch', async () => {
    scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    const left = scene.begin(3, { from: LARGE - WIRE / 2 })
    await scene.pass(2)
    assert.equal(left.received, WIRE / 2)
  })

  it('go on in their order when less comes now and then', async () => {
    scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    for (let i = 0; i < 3; i += 1) {
      await scene.pass(SECOND / 2, { wire: WIRE / 2 })
      assert.deepEqual(await scene.shares(1), [WIRE, 0, 0])
    }
  })

  it('go on in their order beside small ones that come and go', async () => {
    scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    for (let window = 0; window < 5 * SECOND; window += 1) {
      scene.layers.length = 3
      for (let index = 3; index < 6; index += 1) scene.begin(index, { sizeBytes: WIRE / 4 })
      assert.deepEqual(await scene.shares(1), [WIRE / 4, 0, 0, WIRE / 4, WIRE / 4, WIRE / 4])
    }
  })

  it('are not measured where nothing comes', async () => {
    const layers = scene.beginThree()
    await scene.pass(1)
    await scene.pass(1, { except: layers })
    assert.deepEqual(await scene.shares(1), [400, 400, 400])
  })

  it('come in their order also when they are fetched once more', async () => {
    scene.beginThree(WIRE)
    await scene.pass(4)
    await Promise.all(scene.layers.map(({ ended }) => ended))
    scene.layers.length = 0
    scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    assert.deepEqual(await scene.shares(1), [WIRE, 0, 0])
  })

  it('go on when the lowest one fails, and it fails as it did', async () => {
    const [first] = scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 1)
    const error = new Error('the upstream is gone')
    first.fail(error)
    await first.ended
    assert.equal(first.error, error)
    assert.deepEqual((await scene.shares(1)).slice(1), [WIRE, 0])
  })

  it('wait no longer once they are ended', async () => {
    const [, , third] = scene.beginThree()
    await scene.pass(WINDOWS_UNTIL_MEASURED + 2)
    const fourth = scene.begin(3)
    await nextRound()
    for (const layer of [third, fourth]) {
      layer.abort()
      await layer.ended
      assert.equal((layer.error as Error).message, 'ended')
    }
  })

  it('are not waited for by one that is fetched alone', async () => {
    const alone = scene.begin(0)
    assert.deepEqual(await scene.shares(5), [5 * WIRE])
    const second = scene.begin(1, { sizeBytes: WIRE })
    await scene.pass(2)
    await second.ended
    assert.equal(alone.isReading, true)
    assert.deepEqual((await scene.shares(5))[0], 5 * WIRE)
  })
})
