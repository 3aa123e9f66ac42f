import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { FilesystemDriver } from '../../src/store/drivers/filesystem.ts'
import { LastingCounter } from '../../src/store/lasting-counter.ts'
import { makeFolder } from '../support/entrepot.ts'

const KEY = 'entrepot/counts/test'

describe('a lasting count', () => {
  let root: string

  beforeEach(async () => {
    root = await makeFolder()
  })
  afterEach(() => rm(root, { recursive: true }))

  const start = async () => {
    const [counted, exported] = [{ value: 0 }, { value: 0 }]
    const driver = new FilesystemDriver(root)
    const counter = new LastingCounter({ driver, key: KEY, counted, exported, log: silentLogger })
    await counter.start()
    return { counted, exported, counter }
  }

  const stored = async (): Promise<string> => readFile(join(root, KEY), 'utf8')

  it('begins at 0, and shows what it has written', async () => {
    const { counted, exported, counter } = await start()
    assert.equal(exported.value, 0)
    counted.value += 7
    assert.equal(exported.value, 0, 'not before it is written')
    await counter.flush()
    assert.deepEqual([exported.value, await stored()], [7, '7'])
    await counter.stop()
  })

  it('goes on after a stop where it was, to the last byte', async () => {
    const first = await start()
    first.counted.value += 7
    await first.counter.stop()
    const second = await start()
    assert.equal(second.exported.value, 7)
    second.counted.value += 5
    await second.counter.stop()
    assert.equal((await start()).exported.value, 12)
  })

  it('never shows less after a crash than before', async () => {
    const { counted, exported, counter } = await start()
    counted.value += 7
    await counter.flush()
    counted.value += 5
    const shown = exported.value
    const { exported: after } = await start()
    assert.equal(after.value, shown)
    await counter.stop()
  })

  it('adds up what two processes count on one volume', async () => {
    const [one, other] = [await start(), await start()]
    one.counted.value += 7
    await one.counter.flush()
    other.counted.value += 5
    await other.counter.flush()
    one.counted.value += 1
    await one.counter.flush()
    assert.deepEqual([one.exported.value, other.exported.value], [13, 12])
    await Promise.all([one.counter.stop(), other.counter.stop()])
    assert.equal(await stored(), '13')
  })

  for (const text of ['', 'junk', '-5', '1e999', '\0\0'])
    it(`begins at 0 where ${JSON.stringify(text)} is stored`, async () => {
      await mkdir(join(root, 'entrepot/counts'), { recursive: true })
      await writeFile(join(root, KEY), text)
      const { exported, counter } = await start()
      assert.equal(exported.value, 0)
      await counter.stop()
    })

  it('counts on where nothing can be written', async () => {
    await writeFile(join(root, 'entrepot'), 'a file in place of the folder')
    const { counted, exported, counter } = await start()
    counted.value += 7
    await counter.flush()
    counted.value += 1
    await counter.flush()
    assert.equal(exported.value, 8)
    await counter.stop()
  })

  it('is not written where nothing was counted', async () => {
    const { counter } = await start()
    await counter.stop()
    await assert.rejects(stored())
  })
})
