import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { isTag, type RepositoryName, type Tag } from '../../src/protocol/name.ts'
import type { StorageDriver } from '../../src/store/driver.ts'
import { FolderNames } from '../../src/store/folder-names.ts'
import { tagsPrefix } from '../../src/store/paths.ts'
import { tags } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const FOLDER = tagsPrefix('team/app' as RepositoryName)
const HOUR_MS = 3_600_000
/** Enough of them to be worth keeping. */
const MANY = Array.from({ length: 64 }, (_, i) => `tag-${i}`).sort()

describe('the names in a folder', () => {
  let driver: MemoryDriver
  let names: FolderNames<Tag>

  beforeEach(() => {
    driver = new MemoryDriver()
    names = new FolderNames(driver, isTag, () => driver.nowMs)
  })

  const add = (tag: string): void => driver.put(`${FOLDER}/${tag}/current/link`, digestOf(tag))
  const lists = (): number => driver.calls.filter((call) => call.startsWith('list ')).length

  it('are none where there are none', async () => {
    assert.deepEqual(await names.list(FOLDER), [])
  })

  it('are listed in byte order, page by page', async () => {
    for (const tag of ['b', 'B', 'a', '_', 'a.b', '1']) add(tag)
    assert.deepEqual(await names.list(FOLDER), ['1', 'B', '_', 'a', 'a.b', 'b'])
    assert.deepEqual(await names.list(FOLDER, 'B', 2), ['_', 'a'])
    assert.deepEqual(await names.list(FOLDER, 'C', 2), ['_', 'a'])
    assert.deepEqual(await names.list(FOLDER, 'b'), [])
  })

  it('fill a page though other names lie between them', async () => {
    for (const tag of ['a', 'b', 'c']) add(tag)
    driver.put(`${FOLDER}/.DS_Store`, '')
    driver.put(`${FOLDER}/a b/x`, '')
    assert.deepEqual(await names.list(FOLDER, '', 2), ['a', 'b'])
  })

  it('are read once, as long as the store says that nothing has changed', async () => {
    for (const tag of MANY) add(tag)
    driver.nowMs += HOUR_MS
    for (let i = 0; i < 5; i += 1) assert.deepEqual(await names.list(FOLDER), MANY)
    assert.equal(lists(), 1)
  })

  it('are not kept where they are few', async () => {
    add('a')
    driver.nowMs += HOUR_MS
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await names.list(FOLDER), ['a'])
    assert.equal(lists(), 2)
  })

  it('are read again when one was added or removed', async () => {
    for (const tag of MANY) add(tag)
    driver.nowMs += HOUR_MS
    await names.list(FOLDER)
    add('zzz')
    assert.deepEqual(await names.list(FOLDER), [...MANY, 'zzz'])
    driver.nowMs += HOUR_MS
    await names.list(FOLDER)
    await driver.remove(`${FOLDER}/zzz`)
    assert.deepEqual(await names.list(FOLDER), MANY)
  })

  for (const [title, changedAtMs, aWhileMs] of [
    ['by ticks', 1_700_000_000_123, 1000],
    ['by seconds', 1_700_000_000_000, 5000],
  ] as const)
    it(`are not remembered just after a change, which another may follow at the same time, ${title}`, async () => {
      driver.nowMs = changedAtMs
      for (const tag of MANY) add(tag)
      driver.nowMs += aWhileMs
      for (let i = 0; i < 2; i += 1) assert.deepEqual(await names.list(FOLDER), MANY)
      assert.equal(lists(), 2)
      driver.nowMs = changedAtMs
      add('zzz')
      driver.nowMs += aWhileMs + 1
      for (let i = 0; i < 2; i += 1) assert.deepEqual(await names.list(FOLDER), [...MANY, 'zzz'])
      assert.equal(lists(), 3)
    })

  it('that were added while they were read are not missed the next time', async () => {
    for (const tag of MANY) add(tag)
    driver.nowMs += HOUR_MS
    driver.pause = async (operation) => {
      if (operation !== 'list') return
      driver.pause = async () => {}
      add('zzz')
    }
    await names.list(FOLDER)
    driver.nowMs += HOUR_MS
    assert.deepEqual(await names.list(FOLDER), [...MANY, 'zzz'])
  })

  it('are read every time from a store that cannot tell', async () => {
    const plain: StorageDriver = new Proxy(driver, {
      get: (target, property) => {
        if (property === 'namesChangedAtMs') return undefined
        const value: unknown = Reflect.get(target, property)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const blind = new FolderNames(plain, isTag, () => driver.nowMs)
    add('a')
    driver.nowMs += HOUR_MS
    await blind.list(FOLDER)
    add('b')
    assert.deepEqual(await blind.list(FOLDER), ['a', 'b'])
    assert.equal(lists(), 2)
  })

  it('are cut anywhere as a plain list would be', async () => {
    const check = async (all: string[], after: string, limit: number): Promise<void> => {
      const many = new MemoryDriver()
      for (const tag of all) many.put(`${FOLDER}/${tag}/current/link`, digestOf(tag))
      const expected = [...new Set(all)]
        .sort()
        .filter((tag) => tag > after)
        .slice(0, limit)
      assert.deepEqual(await new FolderNames(many, isTag).list(FOLDER, after, limit), expected)
    }
    const short = tags.map((tag) => tag.slice(0, 3))
    await fc.assert(fc.asyncProperty(fc.array(short, { maxLength: 15 }), short, fc.nat(10), check))
  })
})
