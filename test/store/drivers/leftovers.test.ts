import assert from 'node:assert/strict'
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { FilesystemDriver } from '../../../src/store/drivers/filesystem.ts'
import { makeQuickFolder } from '../../support/quick-folder.ts'

describe('the folder that a store lies in', () => {
  let root: string
  let driver: FilesystemDriver

  beforeEach(async () => {
    root = await makeQuickFolder()
    driver = new FilesystemDriver(root)
  })
  afterEach(() => rm(root, { recursive: true }))

  it('is swept of files in the making that nobody touches any more', async () => {
    const folder = join(root, 'entrepot/tmp')
    await mkdir(join(folder, 'half-removed'), { recursive: true })
    await writeFile(join(folder, 'half-written'), 'x')
    await utimes(join(folder, 'half-written'), 1, 1)
    await driver.sweep(Date.now() - 60_000)
    assert.equal((await readdir(folder)).length, 2, 'they came a moment ago, whatever their time says')
    await driver.sweep(Date.now() + 60_000)
    assert.deepEqual(await readdir(folder), [])
  })

  it('loses empty folders, and those above them, but none with a file', async () => {
    await mkdir(join(root, 'a/b/empty/deeper'), { recursive: true })
    await mkdir(join(root, 'a/b/other'), { recursive: true })
    await driver.prune('a/b/empty')
    assert.deepEqual(await readdir(join(root, 'a/b')), ['other'])
    await writeFile(join(root, 'a/b/other/file'), '')
    await driver.prune('a')
    assert.deepEqual(await readdir(join(root, 'a/b/other')), ['file'])
    await driver.prune('no/such/folder')
    await rm(join(root, 'a/b/other/file'))
    await driver.prune('a/b/other')
    assert.deepEqual(await readdir(root), [])
  })
})
