import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName } from '../../src/protocol/name.ts'
import type { StorageDriver } from '../../src/store/driver.ts'
import { tagsPrefix } from '../../src/store/paths.ts'
import { TagNames } from '../../src/store/tag-names.ts'
import { tags } from '../support/arbitraries.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const NAME = 'team/app' as RepositoryName
const HOUR_MS = 3_600_000

describe('the tags of a repository', () => {
  let driver: MemoryDriver
  let names: TagNames

  beforeEach(() => {
    driver = new MemoryDriver()
    names = new TagNames(driver, () => driver.nowMs)
  })

  const add = (tag: string): void => driver.put(`${tagsPrefix(NAME)}/${tag}/current/link`, digestOf(tag))
  const lists = (): number => driver.calls.filter((call) => call.startsWith('list ')).length

  it('are none where there are none', async () => {
    assert.deepEqual(await names.list(NAME), [])
  })

  it('are listed in byte order, page by page', async () => {
    for (const tag of ['b', 'B', 'a', '_', 'a.b', '1']) add(tag)
    assert.deepEqual(await names.list(NAME), ['1', 'B', '_', 'a', 'a.b', 'b'])
    assert.deepEqual(await names.list(NAME, 'B', 2), ['_', 'a'])
    assert.deepEqual(await names.list(NAME, 'C', 2), ['_', 'a'])
    assert.deepEqual(await names.list(NAME, 'b'), [])
  })

  it('fill a page though other names lie between them', async () => {
    for (const tag of ['a', 'b', 'c']) add(tag)
    driver.put(`${tagsPrefix(NAME)}/.DS_Store`, '')
    driver.put(`${tagsPrefix(NAME)}/a b/x`, '')
    assert.deepEqual(await names.list(NAME, '', 2), ['a', 'b'])
  })

  it('are read once, as long as the store says that nothing has changed', async () => {
    add('a')
    driver.nowMs += HOUR_MS
    for (let i = 0; i < 5; i += 1) assert.deepEqual(await names.list(NAME), ['a'])
    assert.equal(lists(), 1)
  })

  it('are read again when one was added or removed', async () => {
    add('a')
    driver.nowMs += HOUR_MS
    await names.list(NAME)
    add('b')
    assert.deepEqual(await names.list(NAME), ['a', 'b'])
    driver.nowMs += HOUR_MS
    await names.list(NAME)
    await driver.remove(`${tagsPrefix(NAME)}/a`)
    assert.deepEqual(await names.list(NAME), ['b'])
  })

  it('are not remembered just after a change, which another may follow at the same time', async () => {
    add('a')
    driver.nowMs += 1000
    assert.deepEqual(await names.list(NAME), ['a'])
    driver.nowMs -= 1000
    add('b')
    driver.nowMs += HOUR_MS
    assert.deepEqual(await names.list(NAME), ['a', 'b'])
  })

  it('that were added while they were read are not missed the next time', async () => {
    add('a')
    driver.nowMs += HOUR_MS
    driver.pause = async (operation) => {
      if (operation !== 'list') return
      driver.pause = async () => {}
      add('b')
    }
    await names.list(NAME)
    driver.nowMs += HOUR_MS
    assert.deepEqual(await names.list(NAME), ['a', 'b'])
  })

  it('are read every time from a store that cannot tell', async () => {
    const plain: StorageDriver = new Proxy(driver, {
      get: (target, property) => {
        if (property === 'namesChangedAtMs') return undefined
        const value: unknown = Reflect.get(target, property)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const blind = new TagNames(plain, () => driver.nowMs)
    add('a')
    driver.nowMs += HOUR_MS
    await blind.list(NAME)
    add('b')
    assert.deepEqual(await blind.list(NAME), ['a', 'b'])
    assert.equal(lists(), 2)
  })

  it('are cut anywhere as a plain list would be', async () => {
    const check = async (all: string[], after: string, limit: number): Promise<void> => {
      const many = new MemoryDriver()
      for (const tag of all) many.put(`${tagsPrefix(NAME)}/${tag}/current/link`, digestOf(tag))
      const expected = [...new Set(all)]
        .sort()
        .filter((tag) => tag > after)
        .slice(0, limit)
      assert.deepEqual(await new TagNames(many).list(NAME, after, limit), expected)
    }
    const short = tags.map((tag) => tag.slice(0, 3))
    await fc.assert(fc.asyncProperty(fc.array(short, { maxLength: 15 }), short, fc.nat(10), check))
  })
})
