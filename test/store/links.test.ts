import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { CacheMeter } from '../../src/observe/cache-meter.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import { LinkStore } from '../../src/store/links.ts'
import {
  layerLinkKey,
  revisionLinkKey,
  tagCurrentKey,
  tagFolder,
  tagIndexKey,
} from '../../src/store/paths.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const NAME = 'library/alpine' as RepositoryName
const OTHER = 'library/alpine/child' as RepositoryName
const TAG = 'latest' as Tag
const ONE = digestOf('one')
const TWO = digestOf('two')
const LONG = digestOf('one', 'sha512')

describe('links', () => {
  let driver: MemoryDriver
  let links: LinkStore

  beforeEach(() => {
    driver = new MemoryDriver()
    links = new LinkStore(driver)
  })

  const readText = async (key: string): Promise<string | undefined> => (await driver.read(key))?.toString()

  /** While an operation is under way, after the store was looked at: `work`, once. */
  const during = (operation: 'read' | 'write', work: () => Promise<void>): void => {
    driver.pause = async (each) => {
      if (each !== operation) return
      driver.pause = async () => {}
      await work()
    }
  }

  it('let one repository have a blob or a manifest, and no other', async () => {
    await links.linkBlob(NAME, ONE)
    await links.linkManifest(NAME, TWO)
    assert.deepEqual([await links.findBlob(NAME, ONE), await links.findManifest(NAME, TWO)], [ONE, TWO])
    assert.deepEqual(
      [await links.findBlob(NAME, TWO), await links.findManifest(NAME, ONE)],
      [undefined, undefined],
    )
    assert.deepEqual(
      [await links.findBlob(OTHER, ONE), await links.findManifest(OTHER, TWO)],
      [undefined, undefined],
    )
  })

  it('are digests as text without a newline, as distribution writes them', async () => {
    await links.linkBlob(NAME, ONE)
    assert.equal(await readText(layerLinkKey(NAME, ONE)), ONE)
  })

  it('are read as others write them', async () => {
    driver.put(layerLinkKey(NAME, ONE), `${ONE}\n`)
    assert.equal(await links.findBlob(NAME, ONE), ONE)
  })

  it('of a sha512 digest lead to where the bytes lie, and are there under both names', async () => {
    await links.linkBlob(NAME, LONG, ONE)
    await links.linkManifest(NAME, LONG, ONE)
    for (const digest of [LONG, ONE]) {
      assert.equal(await links.findBlob(NAME, digest), ONE)
      assert.equal(await links.findManifest(NAME, digest), ONE)
    }
    assert.deepEqual(await links.listBlobs(NAME), [ONE, LONG])
  })

  it('that a crash has torn are as good as none, and are written again', async () => {
    for (const torn of ['', 'sha256:', ONE.slice(0, 40)]) {
      driver.put(layerLinkKey(NAME, ONE), torn)
      assert.equal(await links.findBlob(NAME, ONE), undefined)
    }
    await links.linkBlob(NAME, ONE)
    assert.equal(await readText(layerLinkKey(NAME, ONE)), ONE)
  })

  it('are gone at once when they are taken', async () => {
    await links.linkBlob(NAME, ONE)
    await links.linkManifest(NAME, ONE)
    await links.unlinkBlob(NAME, ONE)
    await links.unlinkManifest(NAME, ONE)
    assert.deepEqual(
      [await links.findBlob(NAME, ONE), await links.findManifest(NAME, ONE)],
      [undefined, undefined],
    )
    assert.deepEqual([await links.listBlobs(NAME), await links.listManifests(NAME)], [[], []])
  })

  it('that were being read while they were taken are not remembered', async () => {
    driver.put(revisionLinkKey(NAME, ONE), ONE)
    during('read', () => links.unlinkManifest(NAME, ONE))
    await links.findManifest(NAME, ONE)
    assert.equal(await links.findManifest(NAME, ONE), undefined)
  })

  it('are written though they are remembered, where another process has taken them', async () => {
    await links.linkBlob(NAME, ONE)
    await driver.remove(layerLinkKey(NAME, ONE))
    await links.linkBlob(NAME, ONE)
    assert.equal(await readText(layerLinkKey(NAME, ONE)), ONE)
  })

  it('that two write at once are durable for both before they are told', async () => {
    const ended: string[] = []
    driver.pause = async (operation) => {
      if (operation !== 'write') return
      await new Promise((resolve) => setImmediate(resolve))
      ended.push('sync')
    }
    const link = async (): Promise<void> => {
      await links.linkBlob(NAME, ONE)
      ended.push('told')
    }
    await Promise.all([link(), link()])
    assert.deepEqual(ended, ['sync', 'told', 'told'])
  })

  it('that could not be written are not there, and can be written later', async () => {
    driver.fail('write', 'full')
    await assert.rejects(links.linkBlob(NAME, ONE), { kind: 'full' })
    assert.equal(await links.findBlob(NAME, ONE), undefined)
    driver.fail('write', undefined)
    await links.linkBlob(NAME, ONE)
    assert.equal(await links.findBlob(NAME, ONE), ONE)
  })

  it('are looked at when they were believed for two seconds, and read where another process changed them', async () => {
    let nowMs = 0
    const lookups: boolean[] = []
    const meter = { noteLookup: (isHit: boolean) => lookups.push(isHit) } as unknown as CacheMeter
    links = new LinkStore(driver, meter, () => nowMs)
    // Long ago by the real clock, as the driver's is.
    driver.put(layerLinkKey(NAME, ONE), ONE)
    const find = async (): Promise<string[]> => {
      driver.calls.length = 0
      assert.equal(await links.findBlob(NAME, ONE), ONE)
      return driver.calls.map((call) => call.split(' ')[0]!)
    }
    assert.deepEqual([await find(), await find()], [['read'], []])
    nowMs += 2_000
    assert.deepEqual([await find(), await find()], [['stat', 'read'], []])
    nowMs += 2_000
    assert.deepEqual([await find(), await find()], [['stat'], []])
    assert.deepEqual(lookups, [false, true, false, true, false, true], 'a look is no hit')
    await driver.remove(layerLinkKey(NAME, ONE))
    nowMs += 1_999
    assert.equal(await links.findBlob(NAME, ONE), ONE)
    nowMs += 1
    assert.equal(await links.findBlob(NAME, ONE), undefined)
  })

  it('tell whether a repository has or had anything', async () => {
    assert.equal(await links.hasRepository(NAME), false)
    await links.linkManifest(OTHER, ONE)
    assert.deepEqual([await links.hasRepository(NAME), await links.hasRepository(OTHER)], [false, true])
  })

  it('are listed without what is no digest', async () => {
    driver.put('docker/registry/v2/repositories/library/alpine/_layers/md5/abc/link', 'x')
    driver.put('docker/registry/v2/repositories/library/alpine/_layers/sha256/lost+found/link', 'x')
    await links.linkBlob(NAME, ONE)
    assert.deepEqual(await links.listBlobs(NAME), [ONE])
  })
})

describe('a tag', () => {
  let driver: MemoryDriver
  let links: LinkStore

  beforeEach(() => {
    driver = new MemoryDriver()
    links = new LinkStore(driver)
  })

  it('points at what it was pointed at last, and keeps where it pointed before', async () => {
    await links.writeTag(NAME, TAG, ONE)
    await links.writeTag(NAME, TAG, TWO)
    assert.equal(await links.readTag(NAME, TAG), TWO)
    assert.equal((await driver.read(tagCurrentKey(NAME, TAG)))?.toString(), TWO)
    assert.equal((await driver.read(tagIndexKey(NAME, TAG, ONE)))?.toString(), ONE)
  })

  it('is found in memory while it is being written', async () => {
    links.showTag(NAME, TAG, ONE)
    assert.equal(await links.readTag(NAME, TAG), ONE)
  })

  it('that another process moves is noticed within a second', async () => {
    let nowMs = 0
    links = new LinkStore(driver, undefined, () => nowMs)
    driver.put(tagCurrentKey(NAME, TAG), ONE)
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await links.readTag(NAME, TAG), ONE)
      nowMs += 1_000
    }
    assert.equal(await links.readTag(NAME, TAG), ONE)
    driver.nowMs += 1
    driver.put(tagCurrentKey(NAME, TAG), TWO)
    nowMs += 999
    assert.equal(await links.readTag(NAME, TAG), ONE)
    nowMs += 1
    assert.equal(await links.readTag(NAME, TAG), TWO)
  })

  it('that is still being written is believed for longer, and for no more than a second once it is', async () => {
    let nowMs = 0
    links = new LinkStore(driver, undefined, () => nowMs)
    links.showTag(NAME, TAG, ONE)
    nowMs += 29_999
    assert.equal(await links.readTag(NAME, TAG), ONE)
    await links.writeTag(NAME, TAG, ONE)
    await driver.remove(tagFolder(NAME, TAG))
    nowMs += 999
    assert.equal(await links.readTag(NAME, TAG), ONE)
    nowMs += 1
    assert.equal(await links.readTag(NAME, TAG), undefined)
  })

  it('that was being read while it moved is not remembered where it was', async () => {
    driver.put(tagCurrentKey(NAME, TAG), ONE)
    driver.pause = async (operation) => {
      if (operation !== 'read') return
      driver.pause = async () => {}
      await links.writeTag(NAME, TAG, TWO)
    }
    await links.readTag(NAME, TAG)
    assert.equal(await links.readTag(NAME, TAG), TWO)
  })

  it('that was being read while it was removed is not remembered', async () => {
    driver.put(tagCurrentKey(NAME, TAG), ONE)
    driver.pause = async (operation) => {
      if (operation !== 'read') return
      driver.pause = async () => {}
      await links.removeTag(NAME, TAG)
    }
    await links.readTag(NAME, TAG)
    assert.equal(await links.readTag(NAME, TAG), undefined)
    assert.deepEqual(await driver.list(tagFolder(NAME, TAG)), [])
  })

  it('stays where it was when it cannot be moved', async () => {
    await links.writeTag(NAME, TAG, ONE)
    driver.fail('write', 'full')
    await assert.rejects(links.writeTag(NAME, TAG, TWO), { kind: 'full' })
    assert.equal(await links.readTag(NAME, TAG), ONE)
    assert.equal(await driver.read(tagIndexKey(NAME, TAG, TWO)), undefined)
  })

  it('that is new is not listed when it could not be written', async () => {
    driver.fail('write', 'full')
    await assert.rejects(links.writeTag(NAME, TAG, ONE), { kind: 'full' })
    assert.deepEqual(await links.listTags(NAME), [])
  })

  it('has moved though nobody can read where it once was', async () => {
    driver.fail('writeLazily', 'full')
    await links.writeTag(NAME, TAG, ONE)
    assert.equal(await links.readTag(NAME, TAG), ONE)
  })
})
