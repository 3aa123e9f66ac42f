/** Blobs: every way to upload, to mount, to read a part, and to cancel, under digests of either algorithm. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DigestAlgorithm } from '../../src/protocol/digest.ts'
import { type GetClient, locationOf } from './client.ts'
import { makeBlob } from './content.ts'
import { assertDigest, deleteBlob, expectBlob, expectNoBlob, expectUploaded } from './expectations.ts'
import { postAndPut, putWhole, start, WAYS } from './uploads.ts'

const RANGES: readonly [header: string, first: number, last: number][] = [
  ['bytes=500-1499', 500, 1499],
  ['bytes=500-', 500, 2047],
  ['bytes=-500', 1548, 2047],
  ['bytes=2000-5000', 2000, 2047],
]

const testUploads = (client: GetClient, algorithm: DigestAlgorithm): void => {
  for (const { title, sizeBytes, upload } of WAYS)
    it(`${title}: the blob is there, and gone when it is deleted`, async () => {
      const { repository1, seed } = client().target
      const blob = makeBlob(`${seed} ${title}`, sizeBytes, algorithm)
      const uploaded = await upload(client(), repository1, blob)
      assertDigest(uploaded, blob.digest)
      await expectUploaded(client(), uploaded, blob)
      await expectBlob(client(), repository1, blob)
      await deleteBlob(client(), repository1, blob.digest)
    })

  it('DELETE of an upload: it and its blob are not there', async () => {
    const { repository1, seed } = client().target
    const location = locationOf(await start(client(), repository1))
    await client().expect(204, 'DELETE', location)
    await client().expect(404, 'GET', location)
    const { digest } = makeBlob(`${seed} cancelled`, 512, algorithm)
    await client().expect(404, 'DELETE', `/v2/${repository1}/blobs/${digest}`)
    await expectNoBlob(client(), repository1, digest)
  })
}

const testMounts = (client: GetClient, algorithm: DigestAlgorithm): void => {
  const sources = [
    ['with', (repository2: string) => `&from=${repository2}`],
    ['without', () => ''],
  ] as const
  for (const [how, from] of sources)
    it(`a mount ${how} from: the blob is in both repositories, and deleted from one at a time`, async () => {
      const { repository1, repository2, seed } = client().target
      const blob = makeBlob(`${seed} mount ${how} from`, 512, algorithm)
      await postAndPut(client(), repository2, blob)
      await expectNoBlob(client(), repository1, blob.digest)
      const path = `/v2/${repository1}/blobs/uploads/?mount=${blob.digest}${from(repository2)}`
      const mounted = await client().expect(201, 'POST', path)
      await expectUploaded(client(), mounted, blob)
      await expectBlob(client(), repository1, blob)
      await deleteBlob(client(), repository1, blob.digest)
      await expectBlob(client(), repository2, blob)
      await deleteBlob(client(), repository2, blob.digest)
    })

  it('a mount of what is not there: an upload begins instead', async () => {
    const { repository1, repository2, seed } = client().target
    const blob = makeBlob(`${seed} mount missing`, 512, algorithm)
    const path = `/v2/${repository1}/blobs/uploads/?mount=${blob.digest}&from=${repository2}`
    const location = locationOf(await client().expect(202, 'POST', path))
    await putWhole(client(), location, blob)
    await expectBlob(client(), repository1, blob)
    await deleteBlob(client(), repository1, blob.digest)
  })
}

const testRanges = (client: GetClient): void => {
  for (const [header, first, last] of RANGES)
    it(`Range: ${header} is answered by that part`, async () => {
      const { repository1, seed } = client().target
      const blob = makeBlob(`${seed} ranges`, 2048, 'sha256')
      await postAndPut(client(), repository1, blob)
      const part = await client().expect(206, 'GET', `/v2/${repository1}/blobs/${blob.digest}`, {
        headers: { Range: header },
      })
      const expected = `bytes ${first}-${last}/`
      assert.ok([`${expected}2048`, `${expected}*`].includes(part.header('Content-Range') ?? 'missing'))
      assert.equal(part.header('Content-Length'), String(last - first + 1))
      assert.deepEqual(part.bytes, blob.bytes.subarray(first, last + 1))
    })

  for (const header of ['bytes=500-0', 'bytes=5000-10000'])
    it(`Range: ${header} is refused`, async () => {
      const { repository1, seed } = client().target
      const blob = makeBlob(`${seed} ranges`, 2048, 'sha256')
      await postAndPut(client(), repository1, blob)
      const path = `/v2/${repository1}/blobs/${blob.digest}`
      await client().expect(416, 'GET', path, { headers: { Range: header } })
    })
}

/** Blobs, whole, mounted and in part. */
export const testBlobs = (client: GetClient): void => {
  for (const algorithm of ['sha256', 'sha512'] as const)
    describe(`${algorithm} blobs`, () => {
      testUploads(client, algorithm)
      testMounts(client, algorithm)
    })
  describe('parts of a blob', () => testRanges(client))
}
