/** What a repository answers before anything was pushed to it, also where an upstream is asked about it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import type { GetClient } from './client.ts'
import { listReferrers } from './expectations.ts'

/** The requests that come first. */
export const testBeginning = (client: GetClient): void => {
  describe('before anything is pushed', () => {
    it('GET /v2/ is answered', async () => {
      await client().expect(200, 'GET', '/v2/')
    })

    it('the tags of a repository that nobody knows are 404, or none', async () => {
      const { repository1 } = client().target
      const answer = await client().expect([200, 404], 'GET', `/v2/${repository1}/tags/list`)
      if (answer.status === 404) return
      const { tags } = JSON.parse(answer.bytes.toString()) as { tags?: unknown[] | null }
      assert.ok(tags === undefined || tags === null || Array.isArray(tags))
    })

    it('the referrers of a digest that nobody knows are an empty index', async () => {
      const { repository1, seed } = client().target
      const { entries } = await listReferrers(client(), repository1, digestOf(`${seed} unknown subject`))
      assert.deepEqual(entries, [])
    })

    for (const algorithm of ['sha256', 'sha512'] as const)
      it(`a ${algorithm} blob that nobody knows is 404`, async () => {
        const { repository1, seed } = client().target
        const digest = digestOf(`${seed} unknown blob`, algorithm)
        await client().expect(404, 'GET', `/v2/${repository1}/blobs/${digest}`)
      })
  })
}
