/** Content as the earlier suite (distribution-spec 1.1.1, `conformance/`) pushes it. */
import assert from 'node:assert/strict'
import { type Answer, type Client, locationOf, withQuery } from '../client.ts'
import { type Content, ContentSet, type Descriptor, type Manifest, TYPES } from '../content.ts'

/** Header of requests for manifests. */
export const ACCEPT_MANIFEST = { Accept: TYPES.manifest }

/** Header of requests that carry bytes. */
export const OCTETS = { 'Content-Type': 'application/octet-stream' }

/** An image, and what it is made of. */
export interface Image {
  readonly config: Content
  readonly layer: Content
  readonly manifest: Manifest
}

/** The suite's config descriptors hold their data, and a field that nobody knows. */
const configDescriptor = (descriptor: Descriptor, { bytes }: Content): Descriptor => ({
  ...descriptor,
  data: bytes.toString('base64'),
  newUnspecifiedField: 'true',
})

/**
 * An image of one layer.
 * @param seed other seed, other content
 * @param fields of the manifest, instead of the ordinary ones
 */
export const makeImage = (seed: string, fields: Readonly<Record<string, unknown>> = {}): Image => {
  const set = new ContentSet(seed)
  const config = set.config('amd64')
  const layer = set.layer('layer')
  const configBlob = set.blobs.get(config.digest)!
  const { configType = TYPES.config, ...others } = fields
  const described = { ...configDescriptor(config, configBlob), mediaType: configType }
  set.manifest({ mediaType: TYPES.manifest, config: described, layers: [layer], ...others })
  return { config: configBlob, layer: set.blobs.get(layer.digest)!, manifest: set.manifests[0]! }
}

/** An answer of success, whichever. */
export const assertSuccess = (answer: Answer): Answer => {
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.request} → ${answer.status}`)
  return answer
}

/** Pushes a blob, with POST and PUT. */
export const pushBlob = async (
  client: Client,
  repository: string,
  { digest, bytes }: Content,
): Promise<void> => {
  const started = await client.send('POST', `/v2/${repository}/blobs/uploads/`)
  const location = withQuery(locationOf(started), 'digest', digest)
  assertSuccess(await client.send('PUT', location, { headers: OCTETS, body: bytes }))
}

/** Puts a manifest under a tag or its digest. */
export const putManifest = (
  client: Client,
  repository: string,
  reference: string,
  { bytes, mediaType }: Manifest,
) =>
  client.send('PUT', `/v2/${repository}/manifests/${reference}`, {
    headers: { 'Content-Type': mediaType },
    body: bytes,
  })

/** Pushes an image under its digest, and under tags. */
export const pushImage = async (client: Client, repository: string, image: Image, tags: string[] = []) => {
  await pushBlob(client, repository, image.config)
  await pushBlob(client, repository, image.layer)
  for (const reference of [...tags, image.manifest.digest])
    assertSuccess(await putManifest(client, repository, reference, image.manifest))
}

/** Deletes what a workflow pushed, the manifest first. */
export const deleteImage = async (client: Client, repository: string, image: Image): Promise<void> => {
  await client.expect(202, 'DELETE', `/v2/${repository}/manifests/${image.manifest.digest}`)
  for (const { digest } of [image.config, image.layer])
    await client.expect([202, 404], 'DELETE', `/v2/${repository}/blobs/${digest}`)
}
