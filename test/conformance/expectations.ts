/** What must be true of content that was pushed, or deleted (distribution-spec 1.1, Pull and Content Management). */
import assert from 'node:assert/strict'
import { type Answer, type Client, locationOf } from './client.ts'
import type { Content, Manifest } from './content.ts'

const DIGEST_HEADER = 'Docker-Content-Digest'

const ACCEPT = {
  Accept: ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json'],
}

const assertHeader = (answer: Answer, name: string, expected: string): void =>
  assert.equal(answer.header(name), expected, `${answer.request}: ${name}`)

/** The digest that an answer names is the one that the client used, in its algorithm. */
export const assertDigest = (answer: Answer, digest: string): void =>
  assertHeader(answer, DIGEST_HEADER, digest)

const assertBytes = (answer: Answer, bytes: Buffer): void => {
  assertHeader(answer, 'Content-Length', String(bytes.length))
  assert.ok(answer.bytes.equals(bytes), `${answer.request}: the bytes differ`)
}

const assertNoBody = (answer: Answer, sizeBytes: number): void => {
  assertHeader(answer, 'Content-Length', String(sizeBytes))
  assert.equal(answer.bytes.length, 0, `${answer.request}: there is a body`)
}

/** A blob is there, by HEAD and by GET. */
export const expectBlob = async (client: Client, repository: string, blob: Content): Promise<void> => {
  const path = `/v2/${repository}/blobs/${blob.digest}`
  const head = await client.expect(200, 'HEAD', path)
  assertNoBody(head, blob.bytes.length)
  assertDigest(head, blob.digest)
  const got = await client.expect(200, 'GET', path)
  assertBytes(got, blob.bytes)
  assertDigest(got, blob.digest)
}

/** The 201 that ended an upload leads to the blob. */
export const expectUploaded = async (client: Client, uploaded: Answer, blob: Content): Promise<void> => {
  assertBytes(await client.expect(200, 'GET', locationOf(uploaded)), blob.bytes)
}

/** A blob, or what is unknown here, is not there. */
export const expectNoBlob = async (client: Client, repository: string, digest: string): Promise<void> => {
  await client.expect(404, 'HEAD', `/v2/${repository}/blobs/${digest}`)
}

/** Deletes a blob, which is gone at once. */
export const deleteBlob = async (client: Client, repository: string, digest: string): Promise<void> => {
  await client.expect(202, 'DELETE', `/v2/${repository}/blobs/${digest}`)
  await expectNoBlob(client, repository, digest)
}

/** A manifest is there under a tag or digest, by HEAD. */
export const expectManifestHead = async (
  client: Client,
  repository: string,
  reference: string,
  manifest: Manifest,
) => {
  const head = await client.expect(200, 'HEAD', `/v2/${repository}/manifests/${reference}`, {
    headers: ACCEPT,
  })
  assertHeader(head, 'Content-Type', manifest.mediaType)
  assertNoBody(head, manifest.bytes.length)
  assertDigest(head, manifest.digest)
}

/** What a GET of a manifest answers, under a path or at a Location. */
export const expectManifest = async (client: Client, place: string | URL, manifest: Manifest) => {
  const got = await client.expect(200, 'GET', place, { headers: ACCEPT })
  assertHeader(got, 'Content-Type', manifest.mediaType)
  assertBytes(got, manifest.bytes)
  return got
}

/** Deletes a manifest or a tag, which is gone at once. */
export const deleteManifest = async (
  client: Client,
  repository: string,
  reference: string,
): Promise<void> => {
  const path = `/v2/${repository}/manifests/${reference}`
  await client.expect(202, 'DELETE', path)
  await client.expect(404, 'HEAD', path, { headers: ACCEPT })
}

/** The tags of a repository. */
export const listTags = async (client: Client, repository: string, query = ''): Promise<string[]> => {
  const answer = await client.expect(200, 'GET', `/v2/${repository}/tags/list${query}`)
  const { name, tags } = JSON.parse(answer.bytes.toString()) as { name: unknown; tags: unknown }
  assert.equal(name, repository)
  assert.ok(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'), `${answer.request}: tags`)
  return tags
}

/** An entry of a referrers list. */
export type ReferrerEntry = Readonly<Record<string, unknown>>

/** The referrers of a digest, and the filters that the answer says were applied. */
export const listReferrers = async (client: Client, repository: string, subject: string, query = '') => {
  const answer = await client.expect(200, 'GET', `/v2/${repository}/referrers/${subject}${query}`)
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  assertHeader(answer, 'Content-Type', mediaType)
  const index = JSON.parse(answer.bytes.toString()) as Record<string, unknown>
  assert.deepEqual([index.schemaVersion, index.mediaType], [2, mediaType])
  assert.ok(Array.isArray(index.manifests), `${answer.request}: manifests`)
  return { entries: index.manifests as ReferrerEntry[], filters: answer.list('OCI-Filters-Applied') }
}
