import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import { type Mark, MarkStore } from '../../src/store/marks.ts'
import { askedKey, markKey } from '../../src/store/paths.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const NAME = 'team/app' as RepositoryName
const TAG = 'latest' as Tag
const MIRRORED: Mark = { kind: 'mirrored', upstream: 'docker.io' }
const BEGUN: Mark = { kind: 'local', isKept: false }
const KEPT: Mark = { kind: 'local', isKept: true }

describe('a mark', () => {
  let driver: MemoryDriver
  let marks: MarkStore

  beforeEach(() => {
    driver = new MemoryDriver()
    marks = new MarkStore(driver)
  })

  const stored = async (): Promise<unknown> => {
    const bytes = await driver.read(markKey(NAME))
    return bytes && JSON.parse(bytes.toString())
  }

  it('is what was written, here and for the next process', async () => {
    assert.equal(await marks.read(NAME), undefined)
    for (const mark of [MIRRORED, BEGUN, KEPT]) {
      await marks.write(NAME, mark)
      assert.deepEqual(await marks.read(NAME), mark)
      assert.deepEqual(await new MarkStore(driver).read(NAME), mark)
    }
  })

  it('is lifted for good', async () => {
    await marks.write(NAME, BEGUN)
    await marks.remove(NAME)
    assert.equal(await marks.read(NAME), undefined)
    assert.equal(await stored(), undefined)
  })

  for (const [present, later] of [
    [KEPT, BEGUN],
    [KEPT, MIRRORED],
    [BEGUN, MIRRORED],
  ] as const)
    it(`says no less than before: ${JSON.stringify(present)} stays, after ${JSON.stringify(later)}`, async () => {
      driver.put(markKey(NAME), JSON.stringify(present))
      await marks.write(NAME, later)
      assert.deepEqual(await stored(), present)
      assert.deepEqual(await marks.read(NAME), present)
    })

  it('is the one that says most, when several are written at once', async () => {
    await Promise.all([BEGUN, MIRRORED, KEPT, MIRRORED, BEGUN].map((mark) => marks.write(NAME, mark)))
    assert.deepEqual(await stored(), KEPT)
    assert.deepEqual(await marks.read(NAME), KEPT)
  })

  it('names another upstream when that changed', async () => {
    await marks.write(NAME, MIRRORED)
    await marks.write(NAME, { kind: 'mirrored', upstream: 'ghcr.io' })
    assert.deepEqual(await stored(), { kind: 'mirrored', upstream: 'ghcr.io' })
  })

  it('that was being read while it was written is not remembered as missing', async () => {
    driver.pause = async (operation) => {
      if (operation !== 'read') return
      driver.pause = async () => {}
      await marks.write(NAME, BEGUN)
    }
    await marks.read(NAME)
    assert.deepEqual(await marks.read(NAME), BEGUN)
  })

  it('that is torn or unknown is as good as none', async () => {
    for (const text of [
      '',
      '{',
      'null',
      '7',
      '{"kind":"local"}',
      '{"kind":"mirrored"}',
      '{"kind":"other"}',
    ]) {
      driver.put(markKey(NAME), text)
      assert.equal(await new MarkStore(driver).read(NAME), undefined)
    }
  })

  it('that could not be written is not believed, and can be written later', async () => {
    driver.fail('write', 'full')
    await assert.rejects(marks.write(NAME, BEGUN), { kind: 'full' })
    assert.equal(await marks.read(NAME), undefined)
    driver.fail('write', undefined)
    await marks.write(NAME, BEGUN)
    assert.deepEqual(await marks.read(NAME), BEGUN)
  })

  it('costs the disk nothing the second time, also where there is none', async () => {
    await marks.read(NAME)
    driver.calls.length = 0
    await marks.read(NAME)
    assert.deepEqual(driver.calls, [])
  })

  it('that was read once holds while the store cannot be read, and what was not is not guessed', async () => {
    let nowMs = 1_000
    marks = new MarkStore(driver, () => nowMs)
    await marks.write(NAME, MIRRORED)
    assert.equal(await marks.read('team/other' as RepositoryName), undefined)
    nowMs += 60_000
    driver.fail('read', 'damaged')
    assert.deepEqual(await marks.read(NAME), MIRRORED)
    await assert.rejects(marks.reread(NAME), { name: 'StorageError' })
    await assert.rejects(marks.read('team/other' as RepositoryName), { name: 'StorageError' })
    driver.fail('read', undefined)
    await marks.remove(NAME)
    nowMs += 60_000
    driver.fail('read', 'damaged')
    await assert.rejects(marks.read(NAME), { name: 'StorageError' })
  })

  it('is looked at when it was believed for two seconds, and read where another process changed it', async () => {
    let nowMs = 0
    marks = new MarkStore(driver, () => nowMs)
    // Long ago by the real clock, as the driver's is.
    driver.put(markKey(NAME), JSON.stringify(BEGUN))
    const read = async (): Promise<string[]> => {
      driver.calls.length = 0
      assert.deepEqual(await marks.read(NAME), BEGUN)
      return driver.calls.map((call) => call.split(' ')[0]!)
    }
    assert.deepEqual([await read(), await read()], [['read'], []])
    nowMs += 2_000
    assert.deepEqual([await read(), await read()], [['stat', 'read'], []])
    nowMs += 2_000
    assert.deepEqual([await read(), await read()], [['stat'], []])
    driver.nowMs += 1
    driver.put(markKey(NAME), JSON.stringify(KEPT))
    nowMs += 2_000
    assert.deepEqual(await marks.read(NAME), KEPT)
  })

  it('that another process writes where there was none is noticed after two seconds', async () => {
    let nowMs = 0
    marks = new MarkStore(driver, () => nowMs)
    await marks.read(NAME)
    driver.put(markKey(NAME), JSON.stringify(KEPT))
    nowMs += 1_999
    assert.equal(await marks.read(NAME), undefined)
    nowMs += 1
    assert.deepEqual(await marks.read(NAME), KEPT)
  })

  it('that was read once holds while the store cannot be looked at', async () => {
    let nowMs = 0
    marks = new MarkStore(driver, () => nowMs)
    driver.put(markKey(NAME), JSON.stringify(MIRRORED))
    await marks.read(NAME)
    nowMs += 60_000
    driver.fail('stat', 'io')
    assert.deepEqual(await marks.read(NAME), MIRRORED)
    assert.deepEqual(await marks.reread(NAME), MIRRORED)
  })

  it('that was being read while it was removed does not hold when the store cannot be read', async () => {
    driver.put(markKey(NAME), JSON.stringify(MIRRORED))
    driver.pause = async (operation) => {
      if (operation !== 'read') return
      driver.pause = async () => {}
      await marks.remove(NAME)
    }
    assert.deepEqual(await marks.read(NAME), MIRRORED)
    driver.fail('read', 'io')
    await assert.rejects(marks.read(NAME), { name: 'StorageError' })
  })

  it('is looked for in the store by reread, where another process may have written it', async () => {
    await marks.read(NAME)
    driver.put(markKey(NAME), JSON.stringify(KEPT))
    assert.deepEqual(await marks.reread(NAME), KEPT)
    assert.deepEqual(await marks.read(NAME), KEPT)
  })
})

describe('what the upstream last said of a tag', () => {
  const DIGEST = digestOf('one')
  const writes = (driver: MemoryDriver): number =>
    driver.calls.filter((call) => call.startsWith('writeLazily ')).length

  it('is known here at once, and to the next process', async () => {
    const driver = new MemoryDriver()
    const marks = new MarkStore(driver)
    assert.equal(await marks.readAsked(NAME, TAG), undefined)
    await marks.writeAsked(NAME, TAG, { digest: DIGEST, atMs: 1000 })
    assert.deepEqual(await marks.readAsked(NAME, TAG), { digest: DIGEST, atMs: 1000 })
    assert.deepEqual(await new MarkStore(driver).readAsked(NAME, TAG), { digest: DIGEST, atMs: 1000 })
  })

  it('is written now and then, not for every answer; another digest at once', async () => {
    const driver = new MemoryDriver()
    const marks = new MarkStore(driver)
    for (const atMs of [0, 10_000, 29_999]) await marks.writeAsked(NAME, TAG, { digest: DIGEST, atMs })
    assert.equal(writes(driver), 1)
    assert.equal((await marks.readAsked(NAME, TAG))?.atMs, 29_999)
    await marks.writeAsked(NAME, TAG, { digest: DIGEST, atMs: 30_000 })
    assert.equal(writes(driver), 2)
    await marks.writeAsked(NAME, TAG, { digest: digestOf('two'), atMs: 30_001 })
    assert.equal(writes(driver), 3)
  })

  it('that is torn is as good as nothing', async () => {
    const driver = new MemoryDriver()
    for (const text of ['', 'null', '{}', '{"digest":"x","atMs":1}', `{"digest":"${DIGEST}"}`]) {
      driver.put(askedKey(NAME, TAG), text)
      assert.equal(await new MarkStore(driver).readAsked(NAME, TAG), undefined)
    }
  })
})
