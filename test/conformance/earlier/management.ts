/** The workflow "Content Management" of the earlier suite. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { GetClient } from '../client.ts'
import { listTags } from '../expectations.ts'
import { ACCEPT_MANIFEST, type Image, makeImage, pushImage } from './content.ts'

const TAGS = ['managed0', 'managed1']

/** Deletes a tag, a manifest, and its blobs. */
export const testManagement = (client: GetClient): void => {
  describe('the workflow Content Management', () => {
    let image: Image
    let path: string

    before(async () => {
      const { repository1, seed } = client().target
      path = `/v2/${repository1}`
      image = makeImage(`${seed} management`)
      await pushImage(client(), repository1, image, TAGS)
    })

    it('a deleted tag is gone from the list, and the manifest is not', async () => {
      const { repository1 } = client().target
      const listed = await listTags(client(), repository1)
      await client().expect(202, 'DELETE', `${path}/manifests/${TAGS[0]}`)
      await client().expect(200, 'GET', `${path}/manifests/${image.manifest.digest}`, {
        headers: ACCEPT_MANIFEST,
      })
      assert.deepEqual(
        await listTags(client(), repository1),
        listed.filter((tag) => tag !== TAGS[0]),
      )
    })

    it('a deleted manifest is gone, and its last tag with it', async () => {
      await client().expect(202, 'DELETE', `${path}/manifests/${image.manifest.digest}`)
      await client().expect(404, 'GET', `${path}/manifests/${image.manifest.digest}`, {
        headers: ACCEPT_MANIFEST,
      })
      await client().expect(404, 'GET', `${path}/manifests/${TAGS[1]}`, { headers: ACCEPT_MANIFEST })
      const answer = await client().expect([200, 404], 'GET', `${path}/tags/list`)
      if (answer.status === 404) return
      const { tags } = JSON.parse(answer.bytes.toString()) as { tags: string[] }
      assert.ok(!TAGS.some((tag) => tags.includes(tag)))
    })

    it('a deleted blob is gone', async () => {
      for (const { digest } of [image.config, image.layer]) {
        await client().expect(202, 'DELETE', `${path}/blobs/${digest}`)
        await client().expect(404, 'GET', `${path}/blobs/${digest}`)
      }
    })

    it('a blob that a manifest still names can be deleted, and the manifest after it', async () => {
      const { repository1, seed } = client().target
      const other = makeImage(`${seed} blobs first`)
      await pushImage(client(), repository1, other)
      for (const { digest } of [other.config, other.layer])
        await client().expect(202, 'DELETE', `${path}/blobs/${digest}`)
      await client().expect(202, 'DELETE', `${path}/manifests/${other.manifest.digest}`)
    })
  })
}
