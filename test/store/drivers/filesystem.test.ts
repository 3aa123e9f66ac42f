import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { FilesystemDriver } from '../../../src/store/drivers/filesystem.ts'
import { makeQuickFolder } from '../../support/quick-folder.ts'
import { describeDriver } from '../driver-contract.ts'

const MIB = 1024 * 1024

describeDriver('a folder', async () => {
  const root = await makeQuickFolder()
  const close = async (): Promise<void> => {
    const left = await readdir(join(root, 'entrepot/tmp')).catch(() => [])
    await rm(root, { recursive: true })
    assert.deepEqual(left, [], 'temporary files are left')
  }
  return { driver: new HiddenTemporaries(root), close }
})

/** Without the folder of temporary files in its lists, so that it can be compared with drivers that have none. */
class HiddenTemporaries extends FilesystemDriver {
  override async list(prefix: string, after?: string, limit?: number): Promise<string[]> {
    const names = await super.list(prefix, after, limit)
    return prefix === '' ? names.filter((name) => name !== 'entrepot') : names
  }
}

describe('a folder', () => {
  let root: string
  let driver: FilesystemDriver

  beforeEach(async () => {
    root = await makeQuickFolder()
    driver = new FilesystemDriver(root)
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const temporaries = (): Promise<string[]> => readdir(join(root, 'entrepot/tmp'))

  it('has content as files at their keys', async () => {
    await driver.write('a/b/c', 'content')
    assert.equal(await readFile(join(root, 'a/b/c'), 'utf8'), 'content')
  })

  it('is made when something is written to it, and is no error before', async () => {
    const later = new FilesystemDriver(join(root, 'not/yet'))
    assert.equal(await later.usage(), undefined)
    assert.deepEqual(await later.list(''), [])
    await later.write('a', 'content')
    assert.equal((await later.read('a'))?.toString(), 'content')
  })

  it('is shared by any number of writers in one process', async () => {
    const drivers = Array.from({ length: 5 }, () => new FilesystemDriver(root))
    await Promise.all(drivers.map((each, i) => each.write(`a/${i}`, String(i))))
    for (const [i, each] of drivers.entries())
      assert.equal((await each.read(`a/${i}`))?.toString(), String(i))
  })

  it('takes nothing into memory that is larger than anything small', async () => {
    await driver.write('a', '')
    await truncate(join(root, 'a'), 8 * MIB)
    assert.equal((await driver.read('a'))?.length, 8 * MIB)
    await truncate(join(root, 'a'), 8 * MIB + 1)
    await assert.rejects(driver.read('a'), { name: 'StorageError', kind: 'io' })
  })

  it('gives as many bytes as there are of a file that was cut off after it was opened', async () => {
    await driver.write('a', '0123456789')
    const file = (await driver.open('a'))!
    await truncate(join(root, 'a'), 4)
    assert.equal(await file.read(Buffer.alloc(10), 0, 10), 4)
    await file.close()
  })

  it('leaves no temporary file when it cannot give a name', async () => {
    await driver.write('a', 'content')
    await assert.rejects(driver.write('a/b', 'more'), { name: 'StorageError', kind: 'io' })
    assert.deepEqual(await temporaries(), [])
  })

  it('can be made room in though there is no room for another name', async () => {
    await mkdir(join(root, 'blobs/x'), { recursive: true })
    await writeFile(join(root, 'blobs/x/data'), 'content')
    // In the way of the folder that things are moved to before they are removed.
    await mkdir(join(root, 'entrepot'))
    await writeFile(join(root, 'entrepot/tmp'), '')
    await driver.remove('blobs/x')
    assert.deepEqual(await driver.list('blobs'), [])
  })

  it('can be made room in though its own folder is in the way', async () => {
    await mkdir(join(root, 'blobs/x'), { recursive: true })
    await writeFile(join(root, 'entrepot'), '')
    await driver.remove('blobs/x')
    assert.deepEqual(await driver.list('blobs'), [])
  })

  it('removes a link, and not what it leads to', async () => {
    await driver.write('elsewhere/a', 'content')
    await symlink(join(root, 'elsewhere'), join(root, 'link'))
    await driver.remove('link')
    assert.deepEqual(await driver.list('elsewhere'), ['a'])
  })
})
