import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LayerOrders } from '../../src/fetch/layer-order.ts'
import type { FlightPlan } from '../../src/fetch/plan.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { BlobPull, type BlobPullOptions } from '../../src/pull/blob.ts'
import type { Mirrored } from '../../src/repository.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'

const REPOSITORY = {
  kind: 'mirrored',
  name: 'library/alpine',
  origin: { upstream: {}, name: 'library/alpine' },
} as unknown as Mirrored
const LAYER = digestOf('layer')
const CONFIG = digestOf('config')

/** Fetches, from an upstream that has nothing, of what is not stored. */
class Scene {
  readonly place = { order: new LayerOrders(() => 0).create(REPOSITORY.origin.upstream), index: 2 }
  readonly plans: FlightPlan[] = []
  /** Addresses of clients: of those that wanted a part, and of those that read. */
  readonly hurried: string[] = []
  readonly readers: string[] = []
  isAnswered = false
  readonly pull: BlobPull

  constructor() {
    const nothing = async (): Promise<undefined> => undefined
    this.pull = new BlobPull({
      places: { find: async () => ({ linked: undefined }), isElsewhere: async () => false },
      links: { findBlob: nothing },
      blobs: { stat: nothing },
      coordinator: { recall: nothing, remember: nothing },
      deadlines: { absentForMs: 0 },
      prefetch: {
        sizeOf: () => undefined,
        noteMiss: () => {},
        placeOf: (_: Mirrored, digest: Digest) => (digest === LAYER ? this.place : undefined),
      },
      flights: { find: () => undefined, start: (plan: FlightPlan) => this.#start(plan) },
    } as unknown as BlobPullOptions)
  }

  #start(plan: FlightPlan): unknown {
    this.plans.push(plan)
    let isHurried = false
    const flight = {
      plan,
      ended: Promise.resolve(false),
      open: (client: string) => {
        this.readers.push(client)
        throw new UpstreamError('absent', 'gone')
      },
      answered: Promise.resolve(),
      audience: {
        hurry: () => {
          isHurried = true
        },
        wait: async (_: unknown, client: string) => {
          if (isHurried) this.hurried.push(client)
          if (this.isAnswered) return
          throw new UpstreamError('absent', 'answered 404')
        },
      },
    }
    return { flight, isNew: true }
  }
}

describe('a blob that is fetched', () => {
  it('takes its place among the layers of its image', async () => {
    const { pull, plans, place } = new Scene()
    for (const digest of [LAYER, CONFIG]) await pull.prefetch(REPOSITORY, digest)
    assert.deepEqual(
      plans.map((plan) => plan.layer),
      [place, undefined],
    )
  })

  it('waits for no other where its client wants a part of it', async () => {
    const { pull, hurried } = new Scene()
    for (const [address, wantsPart] of [
      ['10.0.0.1', false],
      ['10.0.0.2', true],
    ] as const)
      await assert.rejects(pull.open(REPOSITORY, LAYER, { address, wantsPart }), { code: 'BLOB_UNKNOWN' })
    assert.deepEqual(hurried, ['10.0.0.2'])
  })

  it('is read by the client who asked for it', async () => {
    const scene = new Scene()
    scene.isAnswered = true
    const client = { address: '10.0.0.1', wantsPart: false }
    await assert.rejects(scene.pull.open(REPOSITORY, LAYER, client), { code: 'BLOB_UNKNOWN' })
    assert.deepEqual(scene.readers, ['10.0.0.1'])
  })
})
