/** What every storage driver does, whatever keeps the bytes: run by the test of each. */
import assert from 'node:assert/strict'
import { rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { StorageDriver } from '../../src/store/driver.ts'
import fc from '../support/fast-check.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

/** A driver on an empty store, and how it is done away with. */
export interface DriverUnderTest {
  readonly driver: StorageDriver
  readonly close: () => Promise<void>
}

const isStorageError = { name: 'StorageError' }

/** Registers the tests of the contract for the drivers that `create` makes. */
export const describeDriver = (name: string, create: () => Promise<DriverUnderTest>): void => {
  describe(`${name}, as a storage driver`, () => {
    let driver: StorageDriver
    let close: () => Promise<void>
    let folder: string

    beforeEach(async () => {
      ;({ driver, close } = await create())
      folder = await makeQuickFolder()
    })
    afterEach(async () => {
      await close()
      await rm(folder, { recursive: true })
    })

    const readText = async (key: string): Promise<string | undefined> => (await driver.read(key))?.toString()

    const makeFile = async (text: string): Promise<string> => {
      const file = join(folder, 'file')
      await writeFile(file, text)
      return file
    }

    it('has nothing at first, and says so without an error', async () => {
      for (const key of ['a', 'a/b']) {
        assert.equal(await driver.stat(key), undefined)
        assert.equal(await driver.open(key), undefined)
        assert.equal(await driver.read(key), undefined)
        assert.deepEqual(await driver.list(key), [])
        await driver.remove(key)
      }
      assert.deepEqual(await driver.list(''), [])
    })

    for (const operation of ['write', 'writeLazily'] as const) {
      it(`has what ${operation} was given: text, bytes, or nothing`, async () => {
        for (const content of ['text', Buffer.from([0, 255, 10]), '']) {
          await driver[operation]('a/b/c', content)
          assert.deepEqual(await driver.read('a/b/c'), Buffer.from(content))
          assert.equal((await driver.stat('a/b/c'))?.sizeBytes, Buffer.from(content).length)
        }
      })

      it(`has the whole of one of them when two are given to ${operation} at once`, async () => {
        const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(1 + i * 10_000))
        await Promise.all(contents.map((content) => driver[operation]('a/b', content)))
        assert.ok(contents.includes((await readText('a/b')) ?? ''))
        assert.deepEqual(await driver.list('a'), ['b'])
      })

      it(`fails by a StorageError where a name of ${operation} is content already, and keeps that`, async () => {
        await driver.write('a', 'content')
        await assert.rejects(driver[operation]('a/b', 'more'), isStorageError)
        assert.equal(await readText('a'), 'content')
        assert.equal(await driver.read('a/b'), undefined)
        assert.equal(await driver.stat('a/b'), undefined)
        assert.deepEqual(await driver.list('a'), [])
      })
    }

    it('gives content another name in one step, in the place of what has it', async () => {
      await driver.write('from/data', 'new')
      await driver.write('to/data', 'old')
      assert.equal(await driver.move('from', 'to'), true)
      assert.equal(await readText('to/data'), 'new')
      assert.equal(await driver.read('from/data'), undefined)
      assert.equal(await driver.move('from', 'to'), false)
      assert.equal(await driver.move('to/data', 'deep/er/data'), true)
      assert.equal(await readText('deep/er/data'), 'new')
    })

    it('removes lazily what it removes, and nothing where there is nothing', async () => {
      await driver.write('a/b', 'content')
      await driver.write('a/c/d', 'content')
      await driver.removeLazily('a/c')
      await driver.removeLazily('a/c')
      assert.deepEqual(await driver.list('a'), ['b'])
      await driver.removeLazily('a/b')
      assert.equal(await driver.read('a/b'), undefined)
    })

    it('says when content came to its key, whatever time it has', async () => {
      const longAgoS = 1
      const file = await makeFile('content')
      await utimes(file, longAgoS, longAgoS)
      await driver.adopt(file, 'a/data')
      assert.ok(((await driver.stat('a/data'))?.changedAtMs ?? 0) > longAgoS * 1000)
    })

    it('says when content was last written', async () => {
      await driver.write('a', 'content')
      const { modifiedAtMs, changedAtMs } = (await driver.stat('a'))!
      assert.ok(modifiedAtMs > 0 && changedAtMs > 0)
    })

    it('has no content under the name of a folder', async () => {
      await driver.write('a/b', 'content')
      assert.equal(await driver.stat('a'), undefined)
      assert.equal(await driver.open('a'), undefined)
      assert.equal(await driver.read('a'), undefined)
    })

    it('gives bytes at any offset, up to the end', async () => {
      await driver.write('a', '0123456789')
      const file = (await driver.open('a'))!
      const buffer = Buffer.alloc(100)
      const readAt = async (position: number, length: number): Promise<string> =>
        buffer.toString('latin1', 0, await file.read(buffer, position, length))
      assert.equal(file.sizeBytes, 10)
      assert.equal(await readAt(0, 10), '0123456789')
      assert.equal(await readAt(3, 4), '3456')
      assert.equal(await readAt(8, 100), '89')
      assert.equal(await readAt(10, 1), '')
      await file.close()
    })

    it('reads nothing from what was closed, which may be done twice', async () => {
      await driver.write('a', 'content')
      const file = (await driver.open('a'))!
      await file.close()
      await file.close()
      // What is opened next may have got its number.
      const next = await driver.open('a')
      await assert.rejects(file.read(Buffer.alloc(1), 0, 1), isStorageError)
      await next?.close()
    })

    it('goes on to give what was opened when it is replaced, and when it is removed', async () => {
      await driver.write('a/b', 'first')
      const file = (await driver.open('a/b'))!
      const buffer = Buffer.alloc(5)
      await driver.write('a/b', 'other')
      await file.read(buffer, 0, 5)
      assert.equal(buffer.toString(), 'first')
      await driver.remove('a')
      await file.read(buffer, 0, 5)
      assert.equal(buffer.toString(), 'first')
      await file.close()
    })

    it('takes over a file, which is gone from its place', async () => {
      const file = await makeFile('content')
      await driver.adopt(file, 'a/b')
      assert.equal(await readText('a/b'), 'content')
      await assert.rejects(stat(file), { code: 'ENOENT' })
    })

    it('has the bytes of a file that was taken over last', async () => {
      for (const text of ['torn', '', 'whole content', 'other content']) {
        await driver.adopt(await makeFile(text), 'a/b')
        assert.equal(await readText('a/b'), text)
      }
    })

    it('takes over any number at once', async () => {
      const files = Array.from({ length: 8 }, (_, i) => join(folder, String(i)))
      for (const file of files) await writeFile(file, 'content')
      await Promise.all(files.map((file, i) => driver.adopt(file, i % 2 === 0 ? 'a/same' : `a/${i}/data`)))
      assert.deepEqual(await driver.list('a'), ['1', '3', '5', '7', 'same'])
    })

    it('keeps what a key has when there is no file to take over', async () => {
      await driver.write('a/b', 'content')
      await assert.rejects(driver.adopt(join(folder, 'nothing'), 'a/b'), isStorageError)
      assert.equal(await readText('a/b'), 'content')
    })

    it('lists the names directly below a folder, files and folders, in byte order, page by page', async () => {
      for (const key of ['p/b', 'p/a/x', 'p/a/y/z', 'p/Z', 'p/a-b', 'p/a0', 'q/c'])
        await driver.write(key, '')
      assert.deepEqual(await driver.list(''), ['p', 'q'])
      assert.deepEqual(await driver.list('p'), ['Z', 'a', 'a-b', 'a0', 'b'])
      assert.deepEqual(await driver.list('p/a'), ['x', 'y'])
      assert.deepEqual(await driver.list('p', 'a'), ['a-b', 'a0', 'b'])
      assert.deepEqual(await driver.list('p', 'a-', 2), ['a-b', 'a0'])
      assert.deepEqual(await driver.list('p', 'b'), [])
      assert.deepEqual(await driver.list('p', '', 0), [])
    })

    for (const operation of ['remove', 'removeLazily'] as const)
      it(`has nothing any more of a key that ${operation} was given, nor below it, and all else`, async () => {
        for (const key of ['a/b/c', 'a/b/d/e', 'a/bc', 'a/b-c']) await driver.write(key, 'content')
        await driver[operation]('a/b')
        assert.deepEqual(await driver.list('a'), ['b-c', 'bc'])
        assert.equal(await driver.read('a/b/c'), undefined)
        assert.deepEqual(await driver.list('a/b'), [])
        await driver[operation]('a/bc')
        assert.deepEqual(await driver.list('a'), ['b-c'])
        await driver[operation]('a/b-c/d')
        await driver[operation]('nothing/there')
        assert.equal(await readText('a/b-c'), 'content')
      })

    it('gives a key another name, or all that is below it, in the place of what has that name', async () => {
      for (const key of ['from/x', 'from/y/z', 'to/x', 'to/old']) await driver.write(key, key)
      assert.equal(await driver.move('from', 'to'), true)
      assert.deepEqual(await driver.list('to'), ['x', 'y'])
      assert.equal(await readText('to/x'), 'from/x')
      assert.equal(await readText('to/y/z'), 'from/y/z')
      assert.deepEqual(await driver.list('from'), [])
      assert.equal(await driver.move('to/x', 'new/folder/x'), true)
      assert.equal(await readText('new/folder/x'), 'from/x')
    })

    it('gives nothing no other name, and leaves what has that name', async () => {
      await driver.write('to/x', 'content')
      assert.equal(await driver.move('from', 'to'), false)
      assert.equal(await readText('to/x'), 'content')
    })

    it('goes on to give what was opened when it is moved', async () => {
      await driver.write('from/x', 'content')
      const file = (await driver.open('from/x'))!
      await driver.move('from', 'to')
      const buffer = Buffer.alloc(7)
      await file.read(buffer, 0, 7)
      assert.equal(buffer.toString(), 'content')
      await file.close()
    })

    it('keeps all content when it is pruned and swept', async () => {
      await driver.write('a/b/c', 'content')
      await driver.write('d/e', 'content')
      await driver.remove('d/e')
      for (const prefix of ['a', 'd', 'nothing/there']) await driver.prune(prefix)
      await driver.sweep(Number.MAX_SAFE_INTEGER)
      assert.equal(await readText('a/b/c'), 'content')
      assert.deepEqual(await driver.list(''), ['a'])
    })

    it('takes content again where some was removed', async () => {
      await driver.write('a/b/c', 'first')
      await driver.remove('a/b')
      await driver.write('a/b', 'second')
      assert.equal(await readText('a/b'), 'second')
      await driver.remove('a/b')
      await driver.adopt(await makeFile('third'), 'a/b/c')
      assert.equal(await readText('a/b/c'), 'third')
    })

    it('tells when names below a key last changed, if it can', async () => {
      if (driver.namesChangedAtMs === undefined) return
      assert.equal(await driver.namesChangedAtMs('a'), undefined)
      await driver.write('a/b', 'content')
      assert.equal(typeof (await driver.namesChangedAtMs('a')), 'number')
    })

    it('knows how much room there is, if there is a bound', async () => {
      const usage = await driver.usage()
      if (usage === undefined) return
      assert.ok(usage.totalBytes > 0)
      assert.ok(usage.freeBytes >= 0 && usage.freeBytes <= usage.totalBytes)
    })

    it('has what it was given last, after any writes and removals', async () => {
      const key = fc
        .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
        .map((names) => names.join('/'))
      const step = fc.record({ key, content: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }) })
      const check = async (steps: { key: string; content: string | undefined }[]): Promise<void> => {
        for (const name of await driver.list('')) await driver.remove(name)
        const model = new Map<string, string>()
        for (const { key, content } of steps) {
          const isInTheWay = [...model.keys()].some(
            (each) => each.startsWith(`${key}/`) || key.startsWith(`${each}/`),
          )
          if (content === undefined) {
            await driver.remove(key)
            for (const each of [...model.keys()])
              if (each === key || each.startsWith(`${key}/`)) model.delete(each)
          } else if (!isInTheWay) {
            await driver.remove(key)
            await driver.write(key, content)
            model.set(key, content)
          }
        }
        for (const [key, content] of model) assert.equal(await readText(key), content)
        const tops = new Set([...model.keys()].map((key) => key.split('/')[0]!))
        for (const top of tops) assert.ok((await driver.list('')).includes(top))
      }
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), check), { numRuns: 60 })
    })
  })
}
