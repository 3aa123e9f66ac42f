import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compareNames, cutPage } from '../../src/protocol/page.ts'
import { Catalog } from '../../src/pull/catalog.ts'
import { walkRepositories } from '../../src/store/catalog.ts'
import type { StorageDriver } from '../../src/store/driver.ts'
import { FilesystemDriver } from '../../src/store/drivers/filesystem.ts'
import { MarkStore } from '../../src/store/marks.ts'
import { REPOSITORIES_PREFIX } from '../../src/store/paths.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const NAMES = ['a', 'a/b', 'a/b/c', 'a-b', 'a.b/c', 'b', 'b0', 'library/alpine', 'z/y/x', 'z0']

/** A driver that counts the folders that are listed. */
class CountingDriver extends FilesystemDriver implements StorageDriver {
  lists = 0

  override list(prefix: string, after?: string, limit?: number): Promise<string[]> {
    this.lists += 1
    return super.list(prefix, after, limit)
  }
}

/** Everybody may see everything. */
const all = async () => true

describe('the catalog', () => {
  let root: string
  let driver: CountingDriver
  let catalog: Catalog

  before(async () => {
    root = await makeQuickFolder()
    driver = new CountingDriver(root)
    catalog = new Catalog(driver, new MarkStore(driver))
    const folder = join(root, REPOSITORIES_PREFIX)
    for (const name of NAMES)
      await mkdir(join(folder, name, '_manifests/revisions/sha256'), { recursive: true })
    await mkdir(join(folder, 'z/y/_uploads/x'), { recursive: true })
    await mkdir(join(folder, 'Not A Name/_manifests'), { recursive: true })
    await mkdir(dirname(join(folder, 'stray')), { recursive: true })
    await writeFile(join(folder, 'stray'), 'a file')
  })
  after(() => rm(root, { recursive: true }))

  it('has every repository, component by component, and nothing else', async () => {
    const { items, next } = await catalog.page({ limit: 100, after: undefined }, all)
    assert.deepEqual(items, [...NAMES].sort(compareNames))
    assert.equal(next, undefined)
  })

  it('is cut into pages as a list of all names would be', async () => {
    const sorted = [...NAMES].sort(compareNames)
    const lasts = [undefined, ...NAMES, 'a/a', 'a/bb', 'aa', 'A', 'zz', '~', '/', 'library', 'z/y']
    for (const after of lasts)
      for (const limit of [0, 1, 3, 100]) {
        const request = { limit, after }
        const expected = cutPage(sorted, request, compareNames)
        const { items, next } = await catalog.page(request, all)
        assert.deepEqual([items, next], [expected.items, expected.next], `after ${after}, ${limit} of them`)
      }
  })

  it('fills its pages with what may be seen', async () => {
    const seen = [...NAMES].sort(compareNames).filter((name) => name.includes('a'))
    const maySee = async (name: string) => name.includes('a')
    const { items, next } = await catalog.page({ limit: 2, after: undefined }, maySee)
    assert.deepEqual([items, next], [seen.slice(0, 2), seen[1]])
    const rest = await catalog.page({ limit: 100, after: next }, maySee)
    assert.deepEqual([rest.items, rest.next], [seen.slice(2), undefined])
  })

  it('reads only the folders of its page', async () => {
    driver.lists = 0
    await catalog.page({ limit: 1, after: 'b' }, all)
    // the store, b, b0, library, library/alpine: the last one tells that there is more
    assert.ok(driver.lists <= 5, `${driver.lists} folders`)
  })

  it('tells of folders in which docker-registry left unfinished pushes', async () => {
    const found: string[] = []
    for await (const { name, hasForeignUploads, hasManifests } of walkRepositories(driver))
      if (hasForeignUploads) found.push(`${name} ${hasManifests}`)
    assert.deepEqual(found, ['z/y false'])
  })

  it('is empty in an empty store', async () => {
    const empty = new FilesystemDriver(join(root, 'nothing'))
    const page = await new Catalog(empty, new MarkStore(empty)).page({ limit: 10, after: undefined }, all)
    assert.deepEqual(page, { items: [], next: undefined })
  })
})
