import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLogger } from '../../src/observe/log.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import type { Reference, RepositoryName, Tag } from '../../src/protocol/name.ts'
import { pullsKey } from '../../src/store/paths.ts'
import { PullStore } from '../../src/store/pulls.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const NAME = 'library/alpine' as RepositoryName
const MINUTE_MS = 60_000
const DIGEST = digestOf('a manifest')

const byTag = (tag: string): Reference => ({ kind: 'tag', tag: tag as Tag })
const byDigest: Reference = { kind: 'digest', digest: DIGEST }

describe('counts of pulls', () => {
  let driver: MemoryDriver
  let pulls: PullStore
  let nowMs: number

  beforeEach(() => {
    driver = new MemoryDriver()
    nowMs = 100 * MINUTE_MS
    pulls = new PullStore(driver, silentLogger, () => nowMs)
  })

  const note = (reference: Reference, { isHead = false, isIndex = false } = {}): void =>
    pulls.note(NAME, { reference, digest: DIGEST, isHead, isIndex })

  const read = async () => {
    const { pulls: count, usedAtMs, tags } = await pulls.read(NAME)
    return [count, usedAtMs, Object.fromEntries([...tags].map(([tag, each]) => [tag, each.pulls]))]
  }

  it('are nothing of what nobody has pulled', async () => {
    assert.deepEqual(await read(), [0, 0, {}])
  })

  it('are of the repository and of the tag', async () => {
    note(byTag('3'))
    note(byDigest)
    note(byTag('4'))
    assert.deepEqual(await read(), [3, nowMs, { 3: 2, 4: 1 }])
  })

  it('do not count a HEAD, but know afterwards which tag a digest stood for', async () => {
    note(byTag('3'), { isHead: true })
    assert.deepEqual(await read(), [0, 0, {}])
    note(byDigest)
    assert.deepEqual(await read(), [1, nowMs, { 3: 1 }])
  })

  it('do not count an index as an image', async () => {
    note(byTag('3'), { isIndex: true })
    assert.deepEqual(await read(), [0, nowMs, { 3: 1 }])
  })

  it('lose nothing that is pulled while it is written, which may take longer than all the others', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `library/image-${i}` as RepositoryName)
    const [slow = NAME] = names
    const pull = (name: RepositoryName): void =>
      pulls.note(name, { reference: byDigest, digest: DIGEST, isHead: false, isIndex: false })
    const write = driver.writeLazily.bind(driver)
    let isFirst = true
    driver.writeLazily = async (key, bytes) => {
      if (key === pullsKey(slow) && isFirst) {
        isFirst = false
        pull(slow)
        for (let turn = 0; turn < names.length; turn += 1) await nextTurn()
      }
      await write(key, bytes)
    }
    for (const name of names) pull(name)
    await pulls.flush()
    await pulls.flush()
    assert.equal((await pulls.read(slow)).pulls, 2)
  })

  it('add up what was written and what was not, also by two processes', async () => {
    const other = new PullStore(driver, silentLogger, () => nowMs)
    note(byTag('3'))
    await pulls.flush()
    nowMs += 5 * MINUTE_MS
    other.note(NAME, { reference: byTag('3'), digest: DIGEST, isHead: false, isIndex: false })
    await other.flush()
    note(byTag('3'))
    assert.deepEqual(await read(), [3, nowMs, { 3: 3 }])
    await pulls.flush()
    assert.deepEqual(await read(), [3, nowMs, { 3: 3 }])
  })

  it('survive what is not to be understood', async () => {
    await driver.write(pullsKey(NAME), 'nonsense\n3 x y\n- 7 a\n4 2 a\n')
    assert.deepEqual(await read(), [7, 10 * MINUTE_MS, { 4: 2 }])
  })
})
