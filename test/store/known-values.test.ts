import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { StorageDriver } from '../../src/store/driver.ts'
import { FilesystemDriver } from '../../src/store/drivers/filesystem.ts'
import { KnownValues } from '../../src/store/known-values.ts'
import fc from '../support/fast-check.ts'
import { MemoryDriver } from '../support/memory-driver.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const KEY = 'some/link'
const FOR_MS = 100
const HOUR_MS = 3_600_000

const parseText = (bytes: Buffer | undefined): string | undefined => bytes?.toString()
const find = async <V extends {}>(known: KnownValues<V>, key = KEY): Promise<V | undefined> =>
  known.believed(key) ?? known.look(key)

describe('known values', () => {
  let driver: MemoryDriver
  let known: KnownValues<string>
  let nowMs: number

  beforeEach(() => {
    driver = new MemoryDriver()
    nowMs = 0
    known = makeKnown(parseText)
  })

  const makeKnown = <V extends {}>(
    parse: (bytes: Buffer | undefined) => V | undefined,
    maxEntries = 10,
  ): KnownValues<V> =>
    new KnownValues(driver, {
      maxEntries,
      forMs: FOR_MS,
      parse,
      now: () => nowMs,
      wallNow: () => driver.nowMs,
    })

  const pass = (ms: number): void => {
    nowMs += ms
    driver.nowMs += ms
  }

  /** What the driver was asked meanwhile. */
  const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = driver.calls.length
    await work()
    return driver.calls.slice(before)
  }

  /** One that was looked at when its time had settled. */
  const learn = async (value: string): Promise<void> => {
    driver.put(KEY, value)
    pass(HOUR_MS)
    await find(known)
    pass(FOR_MS)
    assert.equal(await find(known), value)
  }

  /** While an operation is under way, after the store was asked: `work`, once. */
  const during = (operation: 'read' | 'stat', work: () => void | Promise<void>): void => {
    driver.pause = async (each) => {
      if (each !== operation) return
      driver.pause = async () => {}
      await work()
    }
  }

  it('are read without a look first, and believed for so long', async () => {
    driver.put(KEY, 'one')
    assert.deepEqual(await asked(() => find(known)), [`read ${KEY}`])
    driver.put(KEY, 'two')
    pass(FOR_MS - 1)
    assert.deepEqual(await asked(async () => assert.equal(await find(known), 'one')), [])
    pass(1)
    assert.equal(known.believed(KEY), undefined)
    assert.equal(await find(known), 'two')
  })

  it('are looked at from the second time on, and read no more', async () => {
    driver.put(KEY, 'one')
    pass(HOUR_MS)
    await find(known)
    pass(FOR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`, `read ${KEY}`])
    for (let i = 0; i < 3; i += 1) {
      pass(FOR_MS)
      assert.deepEqual(await asked(async () => assert.equal(await find(known), 'one')), [`stat ${KEY}`])
      pass(FOR_MS - 1)
      assert.equal(known.believed(KEY), 'one')
    }
  })

  it('are read again where the key has changed, and believed anew', async () => {
    await learn('one')
    driver.put(KEY, 'two')
    pass(HOUR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`, `read ${KEY}`])
    assert.equal(known.believed(KEY), 'two')
    pass(FOR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`])
  })

  it('are read again where only the size has changed', async () => {
    const changedAtMs = driver.nowMs
    await learn('one')
    const laterMs = driver.nowMs
    driver.nowMs = changedAtMs
    driver.put(KEY, 'three')
    driver.nowMs = laterMs
    pass(FOR_MS)
    assert.equal(await find(known), 'three')
  })

  it('are gone where the key is, and read without a look when it is back', async () => {
    await learn('one')
    await driver.remove(KEY)
    pass(FOR_MS)
    assert.deepEqual(await asked(async () => assert.equal(await find(known), undefined)), [`stat ${KEY}`])
    driver.put(KEY, 'two')
    assert.deepEqual(await asked(async () => assert.equal(await find(known), 'two')), [`read ${KEY}`])
  })

  for (const [title, changedAtMs, unsettledMs] of [
    ['ticks', 1_700_000_000_123, 1000],
    ['seconds', 1_700_000_000_000, 5000],
  ] as const)
    it(`are not held to a time that others may share, where it counts in ${title}`, async () => {
      const putThen = (value: string): void => {
        const laterMs = driver.nowMs
        driver.nowMs = changedAtMs
        driver.put(KEY, value)
        driver.nowMs = laterMs
      }
      driver.nowMs = changedAtMs
      putThen('one')
      await find(known)
      pass(unsettledMs)
      assert.equal(await find(known), 'one')
      putThen('two')
      pass(FOR_MS)
      assert.equal(await find(known), 'two')
      putThen('six')
      pass(FOR_MS)
      assert.equal(await find(known), 'two', 'its time has settled by now')
    })

  it('are held to a time that settled between look and reading: what others did at that time is in what is read', async () => {
    driver.put(KEY, 'one')
    await find(known)
    nowMs += FOR_MS
    during('stat', () => {
      driver.put(KEY, 'two')
      pass(HOUR_MS)
    })
    assert.equal(await find(known), 'two')
    pass(FOR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`])
  })

  it('that changed after the look show it the next time', async () => {
    driver.put(KEY, 'one')
    await find(known)
    pass(HOUR_MS)
    during('stat', () => driver.put(KEY, 'two'))
    assert.equal(await find(known), 'two')
    pass(FOR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`, `read ${KEY}`])
  })

  it('that went after the look are gone', async () => {
    driver.put(KEY, 'one')
    await find(known)
    pass(HOUR_MS)
    during('stat', () => driver.remove(KEY))
    assert.equal(await find(known), undefined)
    assert.equal(known.believed(KEY), undefined)
  })

  it('that are set are believed for as long as it is said, then read, and then looked at', async () => {
    driver.put(KEY, 'one')
    known.set(KEY, 'shown', 5 * FOR_MS)
    pass(5 * FOR_MS - 1)
    assert.equal(known.believed(KEY), 'shown')
    pass(1)
    assert.equal(await find(known), 'one')
    known.set(KEY, 'one')
    pass(FOR_MS - 1)
    assert.equal(known.believed(KEY), 'one')
    pass(HOUR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`, `read ${KEY}`])
    pass(FOR_MS)
    assert.deepEqual(await asked(() => find(known)), [`stat ${KEY}`])
  })

  for (const operation of ['stat', 'read'] as const) {
    it(`that are set during a ${operation} hold`, async () => {
      await learn('one')
      driver.put(KEY, 'two')
      pass(FOR_MS)
      during(operation, () => known.set(KEY, 'mine'))
      await find(known)
      assert.equal(known.believed(KEY), 'mine')
    })

    for (const forget of ['delete', 'clear'] as const)
      it(`that are forgotten by ${forget} during a ${operation} are not believed`, async () => {
        await learn('one')
        driver.put(KEY, 'two')
        pass(FOR_MS)
        during(operation, () => known[forget](KEY))
        await find(known)
        assert.equal(known.believed(KEY), undefined)
      })
  }

  for (const [title, change, expected] of [
    ['set', () => known.set(KEY, 'mine'), 'mine'],
    ['removed', () => known.delete(KEY), undefined],
    ['removed with all others', () => known.clear(), undefined],
  ] as const) {
    it(`that are ${title} while the store says that they have not changed are what that made them`, async () => {
      await learn('one')
      pass(FOR_MS)
      during('stat', change)
      await find(known)
      assert.equal(known.believed(KEY), expected)
    })

    it(`that are ${title} while they are read for the first time are what that made them`, async () => {
      driver.put(KEY, 'one')
      during('read', change)
      await find(known)
      assert.equal(known.believed(KEY), expected)
    })
  }

  it('that are read later hold against those that were read before and take longer', async () => {
    driver.put(KEY, 'one')
    let last: string | undefined
    during('read', async () => {
      driver.put(KEY, 'two')
      last = await known.reread(KEY)
    })
    assert.deepEqual([await find(known), last], ['one', 'two'])
    assert.equal(known.believed(KEY), 'two')
  })

  it('are read by reread, however well they are known', async () => {
    await learn('one')
    driver.put(KEY, 'two')
    assert.deepEqual(await asked(async () => assert.equal(await known.reread(KEY), 'two')), [`read ${KEY}`])
    assert.equal(known.believed(KEY), 'two')
  })

  it('are read every time where there are none, unless that is a value, too', async () => {
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await asked(() => find(known)), [`read ${KEY}`])
    const present = makeKnown((bytes) => ({ isThere: bytes !== undefined }))
    const isThere = async (): Promise<boolean | undefined> => (await find(present))?.isThere
    assert.equal(await isThere(), false)
    assert.deepEqual(await asked(isThere), [])
    pass(FOR_MS)
    assert.deepEqual(await asked(isThere), [`read ${KEY}`])
    driver.put(KEY, '')
    pass(FOR_MS)
    assert.equal(await isThere(), true)
  })

  it('fail as the store does, and are what they were afterwards', async () => {
    await learn('one')
    pass(FOR_MS)
    driver.fail('stat', 'io')
    await assert.rejects(find(known), { name: 'StorageError' })
    driver.fail('stat', undefined)
    driver.fail('read', 'io')
    assert.equal(await find(known), 'one')
    driver.put(KEY, 'two')
    pass(FOR_MS)
    await assert.rejects(find(known), { name: 'StorageError' })
    driver.fail('read', undefined)
    assert.equal(await find(known), 'two')
  })

  it('are no more than their bound: those go that nobody asked for', async () => {
    known = makeKnown(parseText, 2)
    for (const key of ['a', 'b', 'a', 'c']) {
      driver.put(key, key)
      await find(known, key)
    }
    assert.deepEqual([known.believed('a'), known.believed('b'), known.believed('c')], ['a', undefined, 'c'])
  })

  it('are never older than they may be, nor older than what this process did, whatever happens meanwhile', async () => {
    const runs = fc.array(steps, { maxLength: 60, size: 'max' })
    await fc.assert(fc.asyncProperty(granularities, runs, checkHistory), { numRuns: 300 })
  })
})

/** What happens to a key: by this process, or by another one. */
const changes = fc.constantFrom('write', 'remove', 'write elsewhere', 'remove elsewhere')
type Change = typeof changes extends fc.Arbitrary<infer T> ? T : never

/** Changes, and time that passes; or the key is asked for, and that happens after it was looked at, or read. */
const steps = fc.oneof(
  changes.map((change) => ({ change })),
  {
    weight: 2,
    arbitrary: fc.constantFrom(1, FOR_MS, 900, 1100, 6000).map((passMs) => ({ passMs })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      onStat: fc.option(changes, { freq: 3 }),
      onRead: fc.option(changes, { freq: 3 }),
    }),
  },
)
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never

/** How exact the times of a file system are, in milliseconds. */
const granularities = fc.constantFrom(1, 10, 1000, 2000)

/** Runs steps, and compares what is found with all that the key ever was. */
const checkHistory = async (granularityMs: number, run: readonly Step[]): Promise<void> => {
  const driver = new MemoryDriver()
  let nowMs = driver.nowMs
  const known = new KnownValues(driver, {
    maxEntries: 10,
    forMs: FOR_MS,
    parse: parseText,
    now: () => nowMs,
    wallNow: () => nowMs,
  })
  const history: { readonly value: string | undefined; endedAtMs: number }[] = [
    { value: undefined, endedAtMs: Number.POSITIVE_INFINITY },
  ]
  /** Index in it of what this process did last. */
  let own = 0

  const note = (value: string | undefined): void => {
    history.at(-1)!.endedAtMs = nowMs
    history.push({ value, endedAtMs: Number.POSITIVE_INFINITY })
  }
  const changing = {
    write: async () => {
      // All of the same length, so that their times must tell them apart.
      const value = String(history.length).padStart(4)
      await driver.write(KEY, value)
      note(value)
      own = history.length - 1
      known.set(KEY, value)
    },
    remove: async () => {
      known.delete(KEY)
      await driver.remove(KEY)
      note(undefined)
      own = history.length - 1
      known.delete(KEY)
    },
    'write elsewhere': async () => {
      const value = String(history.length).padStart(4)
      driver.put(KEY, value)
      note(value)
    },
    'remove elsewhere': async () => {
      await driver.remove(KEY)
      note(undefined)
    },
  }
  const change = async (each: Change): Promise<void> => {
    driver.nowMs = Math.floor(nowMs / granularityMs) * granularityMs
    await changing[each]()
  }

  for (const step of run) {
    if ('passMs' in step) nowMs += step.passMs
    else if ('change' in step) await change(step.change)
    else {
      const allowed = (from: number) =>
        history.slice(from).filter(({ endedAtMs }) => endedAtMs >= nowMs - FOR_MS)
      const from = own
      const meanwhile = { stat: step.onStat, read: step.onRead }
      driver.pause = async (operation) => {
        if (operation !== 'stat' && operation !== 'read') return
        const each = meanwhile[operation]
        meanwhile[operation] = null
        if (each !== null) await change(each)
      }
      const value = await find(known)
      driver.pause = async () => {}
      const values = allowed(from).map((each) => each.value)
      assert.ok(values.includes(value), `${value} is none of ${values}`)
    }
  }
}

describe('values in a folder', () => {
  let root: string
  let driver: FilesystemDriver
  let calls: string[]
  let known: KnownValues<string>
  let nowMs: number

  beforeEach(async () => {
    root = await makeQuickFolder()
    driver = new FilesystemDriver(root)
    calls = []
    nowMs = 0
    const counting: Pick<StorageDriver, 'read' | 'stat'> = {
      read: (key) => {
        calls.push('read')
        return driver.read(key)
      },
      stat: (key) => {
        calls.push('stat')
        return driver.stat(key)
      },
    }
    known = new KnownValues(counting, {
      maxEntries: 10,
      forMs: FOR_MS,
      parse: parseText,
      now: () => nowMs,
      // All times have settled: `tick` sees to it that they differ.
      wallNow: () => Date.now() + HOUR_MS,
    })
    await driver.write(KEY, 'one')
    await find(known)
    nowMs += FOR_MS
    await find(known)
    nowMs += FOR_MS
    await tick()
    calls.length = 0
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  /** Lets the file system's time go on, by what it takes for a file to get another one. */
  const tick = async (): Promise<void> => {
    const changedAtMs = async (key: string): Promise<number> => (await driver.stat(key))!.changedAtMs
    do await driver.writeLazily('other', '')
    while ((await changedAtMs('other')) === (await changedAtMs(KEY)))
  }

  it('cost one look, as long as nobody touches them', async () => {
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await find(known), 'one')
      nowMs += FOR_MS
    }
    assert.deepEqual(calls, ['stat', 'stat', 'stat'])
  })

  for (const [title, change, expected] of [
    ['replaced', () => new FilesystemDriver(root).write(KEY, 'two'), 'two'],
    ['written over', () => writeFile(join(root, KEY), 'two', { flag: 'r+' }), 'two'],
    ['removed', () => new FilesystemDriver(root).remove(KEY), undefined],
  ] as const)
    it(`that another process has ${title} are noticed`, async () => {
      await change()
      assert.equal(await find(known), expected)
    })
})
