/** The workflow "Content Discovery" of the earlier suite. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../../src/protocol/digest.ts'
import type { Answer, Client, GetClient } from '../client.ts'
import { ContentSet, type Manifest } from '../content.ts'
import { listReferrers, listTags } from '../expectations.ts'
import {
  assertSuccess,
  deleteImage,
  type Image,
  makeImage,
  pushBlob,
  pushImage,
  putManifest,
} from './content.ts'

const TAGS = ['test0', 'test1', 'test2', 'test3']
const ARTIFACT_TYPES = [
  'application/vnd.nhl.peanut.butter.bagel',
  'application/vnd.nba.strawberry.jam.croissant',
]
const INDEX_TYPE = 'application/vnd.food.stand'
const ANNOTATION = 'org.opencontainers.conformance.test'

interface Discovered {
  readonly subject: Image
  readonly missing: { digest: string }
  readonly referrers: readonly Image[]
  readonly index: Manifest
  readonly orphan: Image
}

const describeManifest = ({ mediaType, digest, bytes }: Manifest) => ({
  mediaType,
  digest,
  size: bytes.length,
})

/** Two images of each artifact type, of which one names it as its config's; an index; one without its subject. */
const makeReferrers = (seed: string): Discovered => {
  const subject = makeImage(`${seed} subject`)
  const about = { subject: describeManifest(subject.manifest) }
  const missing = new ContentSet(seed).describe(Buffer.from(`${seed} missing`), subject.manifest.mediaType)
  const annotated = (name: string) => ({ annotations: { [ANNOTATION]: name } })
  const referrers = ARTIFACT_TYPES.flatMap((type) => [
    makeImage(`${seed} ${type} 1`, { ...about, ...annotated(`${type} as config`), configType: type }),
    makeImage(`${seed} ${type} 2`, { ...about, ...annotated(`${type} as artifact`), artifactType: type }),
  ])
  const set = new ContentSet(seed)
  set.index(
    referrers.map(({ manifest }) => describeManifest(manifest)),
    {
      ...about,
      ...annotated('index'),
      artifactType: INDEX_TYPE,
    },
  )
  const orphan = makeImage(`${seed} orphan`, { subject: missing, artifactType: ARTIFACT_TYPES[0] })
  return { subject, missing, referrers, index: set.manifests[0]!, orphan }
}

/** Referrers come before their subject. Gives the answers to their pushes. */
const pushAll = async (client: Client, content: Discovered): Promise<Answer[]> => {
  const { repository1 } = client.target
  const { subject, referrers, index, orphan } = content
  for (const image of [...referrers, orphan])
    for (const blob of [image.config, image.layer]) await pushBlob(client, repository1, blob)
  const answers: Answer[] = []
  for (const manifest of [...referrers.map((image) => image.manifest), index, orphan.manifest])
    answers.push(assertSuccess(await putManifest(client, repository1, manifest.digest, manifest)))
  await pushImage(client, repository1, subject, TAGS)
  return answers
}

const deleteAll = async (
  client: Client,
  { subject, referrers, index, orphan }: Discovered,
): Promise<void> => {
  const { repository1 } = client.target
  await client.expect(202, 'DELETE', `/v2/${repository1}/manifests/${index.digest}`)
  for (const image of [...referrers, orphan, subject]) await deleteImage(client, repository1, image)
}

const testReferrers = (client: GetClient, content: () => Discovered): void => {
  const list = (subject: string, query = '') =>
    listReferrers(client(), client().target.repository1, subject, query)

  it('the referrers of an unknown digest are none', async () => {
    assert.deepEqual((await list(digestOf(`${client().target.seed} not referred to`))).entries, [])
  })

  it('the referrers of a subject that was never pushed are listed', async () => {
    const { entries } = await list(content().missing.digest)
    assert.deepEqual(
      entries.map(({ digest }) => digest),
      [content().orphan.manifest.digest],
    )
  })

  it('all referrers that were pushed before their subject are listed, each with its annotation', async () => {
    const { referrers, index, subject } = content()
    const { entries } = await list(subject.manifest.digest)
    const manifests = [...referrers.map(({ manifest }) => manifest), index]
    const pushed = new Map(
      manifests.map(({ digest, bytes }) => [digest, JSON.parse(bytes.toString()) as object]),
    )
    assert.deepEqual(entries.map(({ digest }) => digest).sort(), [...pushed.keys()].sort())
    for (const { digest, annotations } of entries)
      assert.deepEqual(annotations, (pushed.get(digest as string) as { annotations: object }).annotations)
  })

  for (const artifactType of ARTIFACT_TYPES)
    it(`the two of type ${artifactType} are listed, and the filter is named`, async () => {
      const query = `?artifactType=${encodeURIComponent(artifactType)}`
      const { entries, filters } = await list(content().subject.manifest.digest, query)
      assert.deepEqual(filters, ['artifactType'])
      assert.deepEqual(
        entries.map((entry) => entry.artifactType),
        [artifactType, artifactType],
      )
    })
}

const testTags = (client: GetClient): void => {
  it('tags are listed: all, the first half, and the half after that', async () => {
    const { repository1 } = client().target
    const all = await listTags(client(), repository1)
    for (const tag of TAGS) assert.ok(all.includes(tag))
    const half = Math.floor(all.length / 2)
    const first = await listTags(client(), repository1, `?n=${half}`)
    assert.deepEqual(first, all.slice(0, half))
    const second = await listTags(client(), repository1, `?n=${half}&last=${first.at(-1)}`)
    assert.deepEqual(second, all.slice(half, 2 * half))
  })
}

/** Lists tags and referrers. */
export const testDiscovery = (client: GetClient): void => {
  describe('the workflow Content Discovery', () => {
    let content: Discovered

    let answers: Answer[]

    before(async () => {
      content = makeReferrers(`${client().target.seed} discovery`)
      answers = await pushAll(client(), content)
    })

    after(() => deleteAll(client(), content))

    it('the answer to the push of a referrer names its subject', () => {
      const { subject, missing, referrers } = content
      const ofSubject = [...referrers, 'the index'].map(() => subject.manifest.digest)
      const named = answers.map((answer) => answer.header('OCI-Subject'))
      assert.deepEqual(named, [...ofSubject, missing.digest])
    })

    testTags(client)
    testReferrers(client, () => content)
  })
}
