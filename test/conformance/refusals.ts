/** What is answered by an error, at the end of the suite. */
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import type { GetClient } from './client.ts'
import { SETS } from './sets.ts'

/** Requests for what is not there, or makes no sense. */
export const testRefusals = (client: GetClient): void => {
  describe('a manifest', () => {
    it('that nobody knows is 404, by digest and by tag', async () => {
      const { repository1, seed } = client().target
      for (const reference of [digestOf(`${seed} unknown manifest`), 'missing-tag'])
        await client().expect(404, 'GET', `/v2/${repository1}/manifests/${reference}`)
    })

    it('is not put under a digest that is none', async () => {
      const { repository1, seed } = client().target
      const { bytes, mediaType } = SETS['an image of no layers']!(`${seed} bad digest`).manifests[0]!
      await client().expect(400, 'PUT', `/v2/${repository1}/manifests/sha256:baddigeststring`, {
        headers: { 'Content-Type': mediaType },
        body: bytes,
        isChunked: true,
      })
    })

    it('is not got under a digest that is none', async () => {
      const { repository1 } = client().target
      await client().expect([400, 404], 'GET', `/v2/${repository1}/manifests/sha256:baddigeststring`)
    })
  })
}
