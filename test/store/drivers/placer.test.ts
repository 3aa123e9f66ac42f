import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Placer } from '../../../src/store/drivers/placer.ts'
import { makeQuickFolder } from '../../support/quick-folder.ts'

describe('a name that is to be durable', () => {
  let root: string
  let synced: string[]
  let placer: Placer
  let from: string

  beforeEach(async () => {
    root = await makeQuickFolder()
    synced = []
    const note = async (path: string): Promise<void> => void synced.push(relative(root, path))
    placer = new Placer(root, { file: note, folder: note })
    from = join(root, 'new')
    await writeFile(from, 'content')
  })
  afterEach(() => rm(root, { recursive: true }))

  it('comes after the file, and before its folder and all folders above that were made', async () => {
    await placer.placeDurably(from, join(root, 'a/b/c'))
    assert.equal(await readFile(join(root, 'a/b/c'), 'utf8'), 'content')
    assert.deepEqual(synced, ['new', 'a/b', 'a', ''])
  })

  it('costs one folder where those above it are known to be on the disk', async () => {
    await placer.placeDurably(from, join(root, 'a/b/c'))
    synced.length = 0
    await writeFile(from, 'other content')
    await placer.placeDurably(from, join(root, 'a/b/d'))
    assert.deepEqual(synced, ['new', 'a/b'])
  })

  it('makes sure of folders that somebody else made', async () => {
    await mkdir(join(root, 'a/b'), { recursive: true })
    await placer.placeDurably(from, join(root, 'a/b/c'))
    assert.deepEqual(synced, ['new', 'a/b', 'a', ''])
  })

  it('makes sure of folders that another writer has made and not synced yet', async () => {
    let sync = (): void => {}
    const isSynced = new Promise<void>((resolve) => {
      sync = resolve
    })
    const slow = new Placer(root, { file: async () => {}, folder: () => isSynced })
    const other = join(root, 'other')
    await writeFile(other, 'other content')
    const placing = slow.placeDurably(other, join(root, 'a/b/first'))
    await placer.placeDurably(from, join(root, 'a/b/second'))
    assert.deepEqual(synced, ['new', 'a/b', 'a', ''])
    sync()
    await placing
  })

  it('makes sure again of folders that were removed and made anew', async () => {
    await placer.placeDurably(from, join(root, 'a/b/c'))
    await rm(join(root, 'a/b'), { recursive: true })
    synced.length = 0
    await writeFile(from, 'other content')
    await placer.placeDurably(from, join(root, 'a/b/c'))
    assert.deepEqual(synced, ['new', 'a/b', 'a'])
  })

  it('makes sure, too, of folders that another writer has just made anew', async () => {
    const other = join(root, 'other')
    await writeFile(other, 'other content')
    let sync = (): void => {}
    let meet = (): void => {}
    const isMet = new Promise<void>((resolve) => {
      meet = resolve
    })
    let isSlow = false
    const folder = async (path: string): Promise<void> => {
      synced.push(relative(root, path))
      if (!isSlow) return
      isSlow = false
      meet()
      await new Promise<void>((resolve) => {
        sync = resolve
      })
    }
    const shared = new Placer(root, { file: async () => {}, folder })
    await shared.placeDurably(from, join(root, 'a/b/c'))
    await rm(join(root, 'a/b'), { recursive: true })
    await writeFile(from, 'content')
    isSlow = true
    const placing = shared.placeDurably(other, join(root, 'a/b/first'))
    await isMet
    synced.length = 0
    await shared.placeDurably(from, join(root, 'a/b/second'))
    assert.deepEqual(synced, ['a/b', 'a'])
    sync()
    await placing
  })

  it('makes sure of the root itself where that was made', async () => {
    const deep = new Placer(join(root, 'volume'), {
      file: async () => {},
      folder: async (path) => void synced.push(relative(root, path)),
    })
    await deep.placeDurably(from, join(root, 'volume/a/b'))
    assert.deepEqual(synced, ['volume/a', 'volume', ''])
  })

  it('is not remembered where a sync failed', async () => {
    let isFailing = true
    const folder = async (path: string): Promise<void> => {
      if (isFailing) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      synced.push(relative(root, path))
    }
    const failing = new Placer(root, { file: async () => {}, folder })
    await assert.rejects(failing.placeDurably(from, join(root, 'a/b/c')), /EIO/)
    isFailing = false
    await writeFile(from, 'content')
    await failing.placeDurably(from, join(root, 'a/b/c'))
    assert.deepEqual(synced, ['a/b', 'a', ''])
  })

  it('costs no sync where it need not be durable', async () => {
    await placer.place(from, join(root, 'a/b/c'))
    assert.deepEqual(synced, [])
    assert.equal(await readFile(join(root, 'a/b/c'), 'utf8'), 'content')
  })
})
