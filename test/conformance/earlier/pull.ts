/** The workflow "Pull" of the earlier suite. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../../src/protocol/digest.ts'
import type { GetClient } from '../client.ts'
import { assertDigest } from '../expectations.ts'
import { ACCEPT_MANIFEST, deleteImage, type Image, makeImage, pushImage } from './content.ts'

const TAG = 'tagtest0'

/** Codes that a 400 may carry: those of the specification, and two of distribution. */
const KNOWN_CODES = [
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'MANIFEST_UNVERIFIED',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'TAG_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
]

/** Pulls what was pushed, and what was not. */
export const testPull = (client: GetClient): void => {
  describe('the workflow Pull', () => {
    let image: Image
    let path: string

    before(async () => {
      const { repository1, seed } = client().target
      image = makeImage(`${seed} pull`)
      path = `/v2/${repository1}`
      await pushImage(client(), repository1, image, [TAG])
    })

    after(() => deleteImage(client(), client().target.repository1, image))

    for (const method of ['HEAD', 'GET'] as const) {
      it(`${method} of a blob is 404 where it was never pushed, else 200`, async () => {
        await client().expect(404, method, `${path}/blobs/${digestOf(`${client().target.seed} never`)}`)
        const answer = await client().expect(200, method, `${path}/blobs/${image.config.digest}`)
        if (method === 'GET') assert.deepEqual(answer.bytes, image.config.bytes)
        assertDigest(answer, image.config.digest)
      })

      it(`${method} of a manifest whose name is neither tag nor digest is 404, not 400`, async () => {
        await client().expect(404, method, `${path}/manifests/.INVALID_MANIFEST_NAME`)
      })

      it(`${method} of a manifest is 200, by digest and by tag`, async () => {
        for (const reference of [image.manifest.digest, TAG]) {
          const url = `${path}/manifests/${reference}`
          const answer = await client().expect(200, method, url, { headers: ACCEPT_MANIFEST })
          assertDigest(answer, image.manifest.digest)
        }
      })
    }

    it('GET of a manifest by a digest that is none is 404, or 400 with a code that clients know', async () => {
      const answer = await client().expect([400, 404], 'GET', `${path}/manifests/sha256:totallywrong`, {
        headers: { 'Content-Type': 'application/json' },
      })
      if (answer.status === 404) return
      const { errors } = JSON.parse(answer.bytes.toString()) as { errors: { code: string }[] }
      assert.ok(KNOWN_CODES.includes(errors[0]!.code), errors[0]!.code)
    })
  })
}
