import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName } from '../../src/protocol/name.ts'
import { BlobStore } from '../../src/store/blobs.ts'
import { LinkStore } from '../../src/store/links.ts'
import { ManifestStore, type StoredManifest } from '../../src/store/manifests.ts'
import { blobKey } from '../../src/store/paths.ts'
import { ReferrerStore } from '../../src/store/referrers.ts'
import { makeImage } from '../support/images.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const NAME = 'library/alpine' as RepositoryName
const OTHER = 'library/other' as RepositoryName
const { digest, mediaType, bytes } = makeImage().manifest
const MANIFEST: StoredManifest = { digest, mediaType, bytes }

describe('a manifest', () => {
  let driver: MemoryDriver
  let manifests: ManifestStore

  /** The store as a process finds it that remembers nothing. */
  const reopen = (): ManifestStore => {
    const blobs = new BlobStore(driver)
    const links = new LinkStore(driver)
    return new ManifestStore(blobs, links, new ReferrerStore(driver, blobs, links))
  }

  beforeEach(() => {
    driver = new MemoryDriver()
    manifests = reopen()
  })

  it('is had byte for byte in the repository that it was put into, and in no other', async () => {
    await manifests.put(NAME, MANIFEST)
    for (const each of [manifests, reopen()]) {
      assert.deepEqual(await each.find(NAME, digest), MANIFEST)
      assert.equal(await each.find(OTHER, digest), undefined)
    }
  })

  it('is had under the sha512 digest that it was pushed with, and under its own', async () => {
    const long = digestOf(bytes, 'sha512')
    await manifests.put(NAME, { ...MANIFEST, digest: long })
    for (const each of [manifests, reopen()]) {
      assert.deepEqual(await each.find(NAME, long), { ...MANIFEST, digest: long })
      assert.deepEqual(await each.find(NAME, digest), MANIFEST)
    }
    assert.deepEqual(await driver.read(blobKey(digest)), bytes)
  })

  it('costs the disk nothing the second time', async () => {
    await manifests.put(NAME, MANIFEST)
    const other = reopen()
    await other.find(NAME, digest)
    driver.calls.length = 0
    await other.find(NAME, digest)
    assert.deepEqual(driver.calls, [])
  })

  it('is found in memory while it is being put', async () => {
    manifests.show(NAME, MANIFEST)
    assert.deepEqual(await manifests.find(NAME, digest), MANIFEST)
  })

  it('whose bytes are wrong or gone is as good as none, and can be put again', async () => {
    await manifests.put(NAME, MANIFEST)
    for (const wrong of ['', '{}', bytes.subarray(1)]) {
      driver.put(blobKey(digest), wrong)
      assert.equal(await reopen().find(NAME, digest), undefined)
    }
    await reopen().put(NAME, MANIFEST)
    assert.deepEqual(await reopen().find(NAME, digest), MANIFEST)
    await driver.remove(blobKey(digest))
    assert.equal(await reopen().find(NAME, digest), undefined)
  })

  it('is gone at once when it is removed, and its bytes are left to the collector', async () => {
    await manifests.put(NAME, MANIFEST)
    await manifests.remove(NAME, digest)
    assert.equal(await manifests.find(NAME, digest), undefined)
    assert.equal(await reopen().find(NAME, digest), undefined)
    assert.deepEqual(await driver.read(blobKey(digest)), bytes)
  })

  it('that was being read while it was removed is not remembered', async () => {
    await manifests.put(NAME, MANIFEST)
    const other = reopen()
    driver.pause = async (operation, key) => {
      if (operation !== 'read' || key !== blobKey(digest)) return
      driver.pause = async () => {}
      await other.remove(NAME, digest)
    }
    await other.find(NAME, digest)
    assert.equal(await other.find(NAME, digest), undefined)
  })

  it('that cannot be put is not there', async () => {
    driver.fail('write', 'full')
    await assert.rejects(manifests.put(NAME, MANIFEST), { kind: 'full' })
    assert.equal(await manifests.find(NAME, digest), undefined)
  })
})
