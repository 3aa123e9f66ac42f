import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { parseRepositoryName } from '../../src/protocol/name.ts'
import { referrersPrefix, referrersSeenKey } from '../../src/store/paths.ts'
import { createStore, type Store } from '../../src/wiring/store.ts'
import { makeImage, type TestManifest } from '../support/images.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const NAME = parseRepositoryName('team/app')
const SUBJECT = makeImage().manifest
const SIGNATURE = makeImage({
  seed: 'signature',
  subject: SUBJECT,
  artifactType: 'application/x-signature',
}).manifest
const BILL = makeImage({ seed: 'bill', subject: SUBJECT, annotations: { port: 'Riga' } }).manifest

describe('the referrers of a manifest', () => {
  let root: string
  let store: Store

  beforeEach(async () => {
    root = await makeQuickFolder()
    store = createStore(root, silentLogger)
  })
  afterEach(() => rm(root, { recursive: true }))

  /** The store as another process finds it. */
  const reopen = (): void => {
    store = createStore(root, silentLogger)
  }

  const put = (manifest: TestManifest) => store.manifests.put(NAME, manifest)

  /** What docker-registry does when it stores a manifest: bytes and link. */
  const putAsOthersDo = async (manifest: TestManifest, digest = manifest.digest): Promise<void> => {
    await store.blobs.write(manifest.digest, manifest.bytes)
    await store.links.linkManifest(NAME, digest, manifest.digest)
  }

  const list = async (after?: string, subject = SUBJECT.digest): Promise<string[]> => {
    const found: string[] = []
    for await (const { digest } of store.referrers.walk(NAME, subject, after)) found.push(digest)
    return found
  }

  const both = [SIGNATURE.digest, BILL.digest].sort()

  it('are listed in the order of their digests, with types and annotations', async () => {
    for (const each of [BILL, SIGNATURE, SUBJECT]) await put(each)
    const entries = []
    for await (const entry of store.referrers.walk(NAME, SUBJECT.digest)) entries.push(entry)
    assert.deepEqual(
      entries.map(({ digest }) => digest),
      both,
    )
    assert.deepEqual(
      entries.find(({ digest }) => digest === BILL.digest),
      {
        mediaType: BILL.mediaType,
        digest: BILL.digest,
        size: BILL.bytes.length,
        annotations: { port: 'Riga' },
        artifactType: 'application/vnd.oci.image.config.v1+json',
      },
    )
    assert.deepEqual(await list(both[0]), [both[1]])
  })

  it('are none for a subject, or a repository, that nobody knows', async () => {
    assert.deepEqual(await list(undefined, digestOf('unknown')), [])
  })

  it('vanish with their manifest', async () => {
    for (const each of [SIGNATURE, BILL]) await put(each)
    await store.manifests.remove(NAME, SIGNATURE.digest)
    assert.deepEqual(await list(), [BILL.digest])
    assert.deepEqual(await store.driver.list(referrersPrefix(NAME, SUBJECT.digest)), [
      BILL.digest.replace(':', '-'),
    ])
  })

  it('are those that the repository has, though more are on the list', async () => {
    await put(SIGNATURE)
    await store.referrers.add(NAME, BILL.digest, BILL.bytes)
    assert.deepEqual(await list(), [SIGNATURE.digest])
  })

  it('are found in a volume that comes from elsewhere', async () => {
    for (const each of [SIGNATURE, SUBJECT]) await putAsOthersDo(each)
    assert.deepEqual(await list(), [SIGNATURE.digest])
  })

  it('are found when somebody else had the volume for a while', async () => {
    await put(SIGNATURE)
    assert.deepEqual(await list(), [SIGNATURE.digest])
    await putAsOthersDo(BILL)
    reopen()
    assert.deepEqual(await list(), both)
  })

  it('are not looked for again where nobody else had it', async () => {
    for (const each of [SIGNATURE, SUBJECT]) await put(each)
    await put(BILL)
    await store.manifests.remove(NAME, BILL.digest)
    reopen()
    // Taken off the list behind everybody's back, it stays off: nothing was read again.
    await store.referrers.remove(NAME, SIGNATURE.digest, SIGNATURE.bytes)
    assert.deepEqual(await list(), [])
  })

  it('are found again where the fingerprint is lost or damaged', async () => {
    for (const each of [SIGNATURE, BILL]) await put(each)
    for (const text of ['', 'nonsense', '1 0', '99999999999999999999 f']) {
      await store.driver.write(referrersSeenKey(NAME), text)
      reopen()
      assert.deepEqual(await list(), both, text)
    }
  })

  it('pushed by sha512 are listed under it, once, also in a volume that comes from elsewhere', async () => {
    const digest = digestOf(SIGNATURE.bytes, 'sha512')
    await put({ ...SIGNATURE, digest })
    assert.deepEqual(await list(), [digest])
    await rm(`${root}/entrepot`, { recursive: true })
    reopen()
    assert.deepEqual(await list(), [digest])
  })

  it('do not mind manifests that nobody understands', async () => {
    const bytes = Buffer.from('{"schemaVersion":7}')
    await putAsOthersDo({ digest: digestOf(bytes), mediaType: '', bytes })
    await putAsOthersDo(SIGNATURE)
    assert.deepEqual(await list(), [SIGNATURE.digest])
  })

  it('are right when many are pushed and deleted at once', async () => {
    const many = Array.from({ length: 20 }, (_, i) =>
      makeImage({ seed: `${i}`, layers: [10], subject: SUBJECT }),
    )
    await Promise.all([...many.map(({ manifest }) => put(manifest)), list()])
    await Promise.all(many.slice(10).map(({ manifest }) => store.manifests.remove(NAME, manifest.digest)))
    const expected = many.slice(0, 10).map(({ manifest }) => manifest.digest)
    assert.deepEqual(await list(), expected.sort())
    reopen()
    assert.deepEqual(await list(), expected.sort())
  })
})
