import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LayerOrders } from '../../src/fetch/layer-order.ts'
import type { FlightPlan } from '../../src/fetch/plan.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { BlobPull, type BlobPullOptions } from '../../src/pull/blob.ts'
import type { Mirrored } from '../../src/repository.ts'

const REPOSITORY = {
  kind: 'mirrored',
  name: 'library/alpine',
  origin: { upstream: {}, name: 'library/alpine' },
} as unknown as Mirrored

describe('a blob that is fetched', () => {
  it('takes its place among the layers of its image', async () => {
    const plans: FlightPlan[] = []
    const place = { order: new LayerOrders(() => 0).create(REPOSITORY.origin.upstream), index: 2 }
    const layer = digestOf('layer')
    const pull = new BlobPull({
      links: { findBlob: async () => undefined },
      blobs: { stat: async () => undefined },
      prefetch: {
        sizeOf: () => undefined,
        placeOf: (_: Mirrored, digest: string) => (digest === layer ? place : undefined),
      },
      flights: {
        find: () => undefined,
        start: (plan: FlightPlan) => {
          plans.push(plan)
          return { flight: { plan, ended: Promise.resolve(true) }, isNew: true }
        },
      },
    } as unknown as BlobPullOptions)
    for (const digest of [layer, digestOf('config')]) await pull.prefetch(REPOSITORY, digest)
    assert.deepEqual(
      plans.map((plan) => plan.layer),
      [place, undefined],
    )
  })
})
