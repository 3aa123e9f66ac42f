import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Budget, type Fetch } from '../../src/keep/budget.ts'
import type { EvictRequest } from '../../src/keep/evict.ts'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import type { Logger } from '../../src/observe/log.ts'
import { StorageError } from '../../src/store/driver.ts'
import type { MirroredSize } from '../../src/store/mirrored-size.ts'

/** A store of so many bytes, all of which may be evicted as far as `evictable` says. */
class Shelf {
  mirroredBytes = 0
  evictable = Number.POSITIVE_INFINITY
  freeBytes = 1_000_000
  isKnown = true
  failure: Error | undefined
  counts = 0
  readonly requests: EvictRequest[] = []
  readonly warnings: string[] = []
  fetches: Fetch[] = []
  leftBytes = 0

  open(maxBytes?: number, shareBytes: [string, number][] = []): Budget {
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, text: string) => this.warnings.push(text),
    }
    const shelf = this
    const budget = new Budget({
      bounds: { maxBytes, minFreeBytes: () => 100, shareBytes: new Map(shareBytes) },
      evictor: {
        evict: (request) => this.#evict(request),
        count: async () => {
          this.counts += 1
          this.isKnown = true
        },
      },
      mirroredSize: {
        get isKnown() {
          return shelf.isKnown
        },
        get isCertain() {
          return shelf.isKnown
        },
        total: () => this.mirroredBytes,
      } as unknown as MirroredSize,
      driver: { usage: async () => ({ totalBytes: 1_000_000, freeBytes: this.freeBytes }) },
      log: log as unknown as Logger,
    })
    budget.watch({
      list: () => this.fetches,
      measureLeft: async () => this.leftBytes,
      dropLeft: async () => {
        const freed = this.leftBytes
        this.leftBytes = 0
        this.freeBytes += freed
        return freed
      },
    })
    return budget
  }

  async #evict(request: EvictRequest): Promise<number> {
    this.requests.push(request)
    if (this.failure !== undefined) throw this.failure
    const freed = Math.min(request.bytes, this.evictable, this.mirroredBytes)
    this.mirroredBytes -= freed
    this.freeBytes += freed
    this.evictable -= freed
    return freed
  }
}

const isOver = (error: unknown): boolean => error instanceof StorageError && error.kind === 'budget'

describe('the disk budget', () => {
  let shelf: Shelf
  beforeEach(() => {
    shelf = new Shelf()
  })

  it('evicts what is over, and nothing when nothing is', async () => {
    const budget = shelf.open(1000)
    shelf.mirroredBytes = 1000
    await budget.check()
    assert.deepEqual(shelf.requests, [])
    shelf.mirroredBytes = 1200
    await budget.check()
    assert.equal(shelf.mirroredBytes, 950)
  })

  it('is kept of the free space, and of shares', async () => {
    const budget = shelf.open(undefined, [['hub', 500]])
    shelf.mirroredBytes = 2000
    shelf.freeBytes = 40
    await budget.check()
    assert.equal(shelf.requests[0]?.upstream, 'hub')
    assert.ok(shelf.freeBytes >= 100 && shelf.mirroredBytes <= 500)
  })

  it('counts first what nobody has counted', async () => {
    shelf.isKnown = false
    const budget = shelf.open(1000)
    await budget.check()
    await budget.check()
    assert.equal(shelf.counts, 1)
  })

  it('lets a fetch begin, and evicts for it beside', async () => {
    const budget = shelf.open(1000)
    shelf.mirroredBytes = 980
    shelf.fetches = [{ upstream: 'hub', sizeBytes: 60, writtenBytes: 0 }]
    await budget.admit(60, 'hub')
    await budget.check()
    assert.ok(shelf.mirroredBytes + 60 <= 1000)
  })

  it('lets no fetch be kept that is larger than all of it, or than its share', async () => {
    const budget = shelf.open(1000, [['hub', 500]])
    await assert.rejects(budget.admit(1001, 'other'), isOver)
    await assert.rejects(budget.admit(501, 'hub'), isOver)
    await budget.admit(500, 'hub')
    await budget.admit(undefined, 'hub')
    assert.throws(() => budget.requireFit(1001, 'other'), isOver)
    budget.requireFit(undefined, 'hub')
  })

  it('lets no fetch be kept when nothing can be evicted for it, and tells so once', async () => {
    const budget = shelf.open(1000)
    shelf.mirroredBytes = 1000
    shelf.evictable = 0
    shelf.fetches = [{ upstream: 'hub', sizeBytes: 500, writtenBytes: 0 }]
    await assert.rejects(budget.admit(500, 'hub'), isOver)
    await assert.rejects(budget.admit(500, 'hub'), isOver)
    assert.equal(shelf.warnings.length, 1)
    shelf.evictable = 1e9
    await budget.admit(500, 'hub')
    assert.equal(shelf.mirroredBytes + 500 <= 1000, true)
  })

  it('counts partial files, also those that nobody goes on with', async () => {
    const budget = shelf.open(1000)
    shelf.mirroredBytes = 900
    shelf.leftBytes = 300
    await budget.check()
    assert.ok(shelf.mirroredBytes <= 700)
  })

  it('drops partial files that nobody goes on with where nothing else can go', async () => {
    const budget = shelf.open(1000)
    shelf.mirroredBytes = 900
    shelf.leftBytes = 1100
    await budget.check()
    assert.deepEqual([shelf.mirroredBytes, shelf.leftBytes], [0, 0])
    shelf.leftBytes = 500
    assert.equal(await budget.makeRoom(100), true)
    assert.deepEqual([shelf.leftBytes, await budget.makeRoom(100)], [0, false])
  })

  it('makes room on a full disk whatever it is itself, and says whether it has', async () => {
    const budget = shelf.open()
    shelf.mirroredBytes = 5000
    assert.equal(await budget.makeRoom(100), true)
    assert.equal(shelf.mirroredBytes, 0)
    assert.equal(await budget.makeRoom(100), false)
  })

  it('fails for nobody while another process works on the volume', async () => {
    const budget = shelf.open(10)
    shelf.mirroredBytes = 5000
    shelf.failure = new VolumeSharedError()
    await budget.check()
    assert.equal(await budget.makeRoom(100), false)
    assert.deepEqual(shelf.warnings, [])
  })

  it('ends when it is stopped', async () => {
    const budget = shelf.open(10)
    shelf.mirroredBytes = 5000
    await budget.stop()
    await budget.check()
    assert.deepEqual(shelf.requests, [])
  })
})
