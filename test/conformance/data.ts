/** Data sets: pushed, listed, asked for, pulled, found by their subject, and deleted, in that order. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { type Answer, type Client, type GetClient, locationOf } from './client.ts'
import { type ContentSet, type ExpectedReferrer, type Manifest, TYPES } from './content.ts'
import {
  assertDigest,
  deleteBlob,
  deleteManifest,
  expectBlob,
  expectManifest,
  expectManifestHead,
  listReferrers,
  listTags,
} from './expectations.ts'
import { type MakeSet, SETS, SPARSE, TAGGED_SETS } from './sets.ts'
import { postAndPutChunked } from './uploads.ts'

/** Pushes a manifest as the suite does, without saying how long it is; its Location leads to it. */
const pushManifest = async (client: Client, reference: string, manifest: Manifest): Promise<Answer> => {
  const pushed = await client.expect(201, 'PUT', `/v2/${client.target.repository1}/manifests/${reference}`, {
    headers: { 'Content-Type': manifest.mediaType },
    body: manifest.bytes,
    isChunked: true,
  })
  const { subject } = JSON.parse(manifest.bytes.toString()) as { subject?: { digest: string } }
  assert.equal(pushed.header('OCI-Subject'), subject?.digest, `${pushed.request}: OCI-Subject`)
  await expectManifest(client, locationOf(pushed), manifest)
  return pushed
}

const pushSet = async (client: Client, set: ContentSet): Promise<void> => {
  const { repository1 } = client.target
  for (const blob of set.blobs.values()) await postAndPutChunked(client, repository1, blob)
  for (const manifest of set.manifests)
    for (const reference of [manifest.digest, ...manifest.tags]) {
      const pushed = await pushManifest(client, reference, manifest)
      assertDigest(pushed, manifest.digest)
    }
}

/** Pushes each manifest once, all of its tags as parameters. */
const pushTaggedSet = async (client: Client, set: ContentSet): Promise<void> => {
  for (const blob of set.blobs.values()) await postAndPutChunked(client, client.target.repository1, blob)
  for (const manifest of set.manifests) {
    const query = manifest.tags.map((tag) => `tag=${tag}`).join('&')
    const pushed = await pushManifest(client, `${manifest.digest}?${query}`, manifest)
    assert.deepEqual(pushed.list('OCI-Tag').sort(), [...manifest.tags].sort(), `${pushed.request}: OCI-Tag`)
  }
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const expectListed = async (client: Client, set: ContentSet): Promise<void> => {
  const { repository1 } = client.target
  const tags = set.manifests.flatMap((manifest) => manifest.tags)
  const listed = await listTags(client, repository1)
  for (const tag of tags) assert.ok(listed.includes(tag), `${tag} is not listed`)
  const sorted = [...listed].sort(byBytes)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]!
  const after = sorted.filter((tag) => byBytes(tag, middle) > 0)
  assert.deepEqual((await listTags(client, repository1, `?last=${middle}`)).sort(byBytes), after)
}

const eachReference = async (
  set: ContentSet,
  run: (reference: string, manifest: Manifest) => Promise<unknown>,
) => {
  for (const manifest of set.manifests)
    for (const reference of [...manifest.tags, manifest.digest]) await run(reference, manifest)
}

const expectHeads = async (client: Client, set: ContentSet): Promise<void> => {
  const { repository1 } = client.target
  await eachReference(set, (reference, manifest) =>
    expectManifestHead(client, repository1, reference, manifest),
  )
  for (const blob of set.blobs.values()) await expectBlob(client, repository1, blob)
}

const expectPulls = async (client: Client, set: ContentSet): Promise<void> => {
  await eachReference(set, async (reference, manifest) => {
    const path = `/v2/${client.target.repository1}/manifests/${reference}`
    assertDigest(await expectManifest(client, path, manifest), manifest.digest)
  })
}

/** The wanted entries are listed, field for field; others may be, too. */
const assertListed = (entries: readonly object[], wanted: readonly ExpectedReferrer[]): void => {
  for (const { entry } of wanted) {
    const listed = entries.find((each) => (each as { digest?: unknown }).digest === entry.digest)
    assert.deepEqual(listed, entry)
  }
}

const expectReferrers = async (client: Client, set: ContentSet): Promise<void> => {
  const { repository1 } = client.target
  for (const subject of new Set(set.referrers.map((referrer) => referrer.subject))) {
    const wanted = set.referrers.filter((referrer) => referrer.subject === subject)
    assertListed((await listReferrers(client, repository1, subject)).entries, wanted)
    for (const artifactType of new Set(wanted.map((referrer) => referrer.artifactType))) {
      const query = `?artifactType=${encodeURIComponent(artifactType)}`
      const { entries, filters } = await listReferrers(client, repository1, subject, query)
      assert.ok(filters.includes('artifactType'), 'the filter is not said to be applied')
      const ofType = wanted.filter((referrer) => referrer.artifactType === artifactType)
      assertListed(entries, ofType)
      for (const entry of entries) assert.equal(entry.artifactType, artifactType)
    }
  }
}

/** Deletes tags, then manifests with parents before children, then blobs. */
const deleteSet = async (client: Client, set: ContentSet): Promise<void> => {
  const { repository1 } = client.target
  const parentsFirst = [...set.manifests].reverse()
  for (const { tags } of parentsFirst) for (const tag of tags) await deleteManifest(client, repository1, tag)
  for (const { digest } of parentsFirst) await deleteManifest(client, repository1, digest)
  for (const digest of set.blobs.keys()) await deleteBlob(client, repository1, digest)
}

type Step = (client: Client, set: ContentSet) => Promise<void>

const testSet = (getClient: GetClient, title: string, makeSet: MakeSet, push: Step): void => {
  const { manifests, referrers } = makeSet(title)
  const hasTags = manifests.some(({ tags }) => tags.length > 0)
  const steps: readonly [does: string, step: Step, isWanted: boolean][] = [
    ['is taken', push, true],
    ['has its tags listed', expectListed, hasTags],
    ['is there, asked by HEAD', expectHeads, true],
    ['is there byte for byte, asked by GET', expectPulls, true],
    ['is found by its subject', expectReferrers, referrers.length > 0],
    ['is gone when it is deleted', deleteSet, true],
  ]
  describe(title, () => {
    let set: ContentSet
    for (const [does, step] of steps.filter(([, , isWanted]) => isWanted))
      it(does, async () => {
        set ??= makeSet(`${getClient().target.seed} ${title}`)
        await step(getClient(), set)
      })
  })
}

/** A manifest that does not hash to the digest that it is pushed under. */
const testWrongDigest = (client: GetClient): void => {
  it('a manifest with two blanks more than its digest counts is refused', async () => {
    const { repository1, seed } = client().target
    const set = SETS['an image']!(`${seed} wrong digest`)
    for (const blob of set.blobs.values()) await postAndPutChunked(client(), repository1, blob)
    const { bytes } = set.manifests[0]!
    await client().expect(400, 'PUT', `/v2/${repository1}/manifests/${digestOf(bytes)}`, {
      headers: { 'Content-Type': TYPES.manifest },
      body: Buffer.concat([bytes, Buffer.from('  ')]),
      isChunked: true,
    })
    for (const digest of set.blobs.keys()) await deleteBlob(client(), repository1, digest)
  })
}

/** All data sets that a registry with its checks on must take. */
export const testData = (client: GetClient): void => {
  for (const [title, makeSet] of Object.entries(SETS)) testSet(client, title, makeSet, pushSet)
  testWrongDigest(client)
}

/** Data sets of manifests that name what is not there. */
export const testSparseData = (client: GetClient): void => {
  for (const [title, makeSet] of Object.entries(SPARSE)) testSet(client, title, makeSet, pushSet)
}

/** Tags that are made by the parameter of a push by digest (the specification that comes after 1.1). */
export const testTagParameter = (client: GetClient): void => {
  for (const [title, makeSet] of Object.entries(TAGGED_SETS)) testSet(client, title, makeSet, pushTaggedSet)
}
