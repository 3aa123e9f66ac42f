import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { type Machine, thisMachine } from '../../src/store/machine.ts'
import { Owner } from '../../src/store/owner.ts'
import { OWNERS_PREFIX } from '../../src/store/paths.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const NOW_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000

/** A process of number 10 on a machine that booted an hour ago; it began 10 s ago. No other runs there. */
const machine = (changes: Partial<Machine> = {}): Machine => ({
  host: 'here',
  pid: 10,
  startedAtMs: NOW_MS - 10_000,
  now: () => NOW_MS,
  bootedAtMs: () => NOW_MS - HOUR_MS,
  isRunning: () => false,
  ...changes,
})

describe('an owner', () => {
  let driver: MemoryDriver

  beforeEach(() => {
    driver = new MemoryDriver()
  })

  /** What a process on `ours` says of one that wrote its mark `agoMs` ago on `theirs`. */
  const stateOf = async (
    agoMs: number,
    theirs: Partial<Machine> = {},
    ours: Partial<Machine> = {},
  ): Promise<string> => {
    const renewedAtMs = NOW_MS - agoMs
    const other = new Owner(driver, silentLogger, machine({ pid: 20, now: () => renewedAtMs, ...theirs }))
    await other.start()
    const state = await new Owner(driver, silentLogger, machine(ours)).stateOf(other.id)
    await other.stop()
    return state
  }

  it('is alive to itself', async () => {
    const owner = new Owner(driver, silentLogger, machine())
    assert.equal(await owner.stateOf(owner.id), 'alive')
  })

  it('has an id of its own', () => {
    const ids = Array.from({ length: 100 }, () => new Owner(driver, silentLogger).id)
    assert.equal(new Set(ids).size, 100)
  })

  it('is alive while its process runs and its mark is fresh', async () => {
    assert.equal(await stateOf(15_000, {}, { isRunning: (pid) => pid === 20 }), 'alive')
  })

  it('is gone at once when it crashed before we began: nobody waits', async () => {
    assert.equal(await stateOf(10_001), 'gone')
  })

  it('is gone at once when it had our number, as every process in a container has', async () => {
    assert.equal(await stateOf(10_001, { pid: 10 }, { isRunning: () => true }), 'gone')
  })

  it('is alive when it was renewed while we were here, whatever its number says: it is in another container', async () => {
    assert.equal(await stateOf(9_000, { pid: 10 }), 'alive')
    assert.equal(await stateOf(9_000, { pid: 20 }), 'alive')
  })

  it('is alive on another machine as long as its mark is fresh, whenever that has booted', async () => {
    for (const bootedAtMs of [NOW_MS - HOUR_MS, NOW_MS - 100 * HOUR_MS])
      assert.equal(await stateOf(19_000, { host: 'there', bootedAtMs: () => bootedAtMs }), 'alive')
  })

  it('is gone on another machine when its mark is old', async () => {
    assert.equal(await stateOf(20_000, { host: 'there' }), 'gone')
  })

  it('whose mark is from the future is gone, not alive until then', async () => {
    assert.equal(await stateOf(-HOUR_MS, { host: 'there' }), 'gone')
  })

  it('is gone with all that was not synced when the machine has booted since', async () => {
    const before = { bootedAtMs: () => NOW_MS - 3 * HOUR_MS }
    assert.equal(await stateOf(2 * HOUR_MS, before), 'rebooted')
    assert.equal(await stateOf(5_000, before, { isRunning: () => true }), 'rebooted')
    assert.equal(await stateOf(2 * HOUR_MS, { ...before, host: 'there' }), 'rebooted')
  })

  it('is of this boot though clocks have drifted a little', async () => {
    assert.equal(await stateOf(HOUR_MS / 2, { bootedAtMs: () => NOW_MS - HOUR_MS - 50_000 }), 'gone')
  })

  it('of whom nothing is known may have been lost with a power cut', async () => {
    const owner = new Owner(driver, silentLogger, machine())
    assert.equal(await owner.stateOf('0123456789abcdef'), 'rebooted')
    for (const torn of [
      '',
      '{',
      'null',
      '[]',
      '{"host":"here"}',
      '{"host":1,"pid":1,"bootedAtMs":1,"renewedAtMs":1}',
    ]) {
      driver.put(`${OWNERS_PREFIX}/torn`, torn)
      assert.equal(await owner.stateOf('torn'), 'rebooted')
    }
  })

  it('that has ended is gone at once, wherever it was', async () => {
    for (const host of ['here', 'there']) {
      const other = new Owner(driver, silentLogger, machine({ host, pid: 20 }))
      await other.start()
      await other.stop()
      const ours = machine({ isRunning: () => true })
      assert.equal(await new Owner(driver, silentLogger, ours).stateOf(other.id), 'gone')
    }
  })

  it('that has ended is not brought back by a renewal that was under way', async ({ mock }) => {
    mock.timers.enable({ apis: ['setInterval'] })
    const other = new Owner(driver, silentLogger, machine({ host: 'there' }))
    await other.start()
    const write = driver.writeLazily.bind(driver)
    let go = (): void => {}
    driver.writeLazily = async (key, bytes) => {
      driver.writeLazily = write
      await new Promise<void>((resolve) => {
        go = resolve
      })
      await write(key, bytes)
    }
    mock.timers.tick(5_000)
    const stopping = other.stop()
    // As long as it takes to write the end, if that did not wait.
    for (let i = 0; i < 10; i += 1) await Promise.resolve()
    go()
    await stopping
    assert.equal(await new Owner(driver, silentLogger, machine()).stateOf(other.id), 'gone')
  })

  it('renews its mark every few seconds', async ({ mock }) => {
    mock.timers.enable({ apis: ['setInterval'] })
    const owner = new Owner(driver, silentLogger, machine())
    await owner.start()
    mock.timers.tick(15_000)
    await owner.stop()
    mock.timers.tick(15_000)
    assert.equal(driver.calls.filter((call) => call.startsWith('writeLazily ')).length, 5)
  })

  it('serves a volume that it cannot write', async () => {
    driver.fail('writeLazily', 'readonly')
    const owner = new Owner(driver, silentLogger, machine())
    await owner.start()
    await owner.stop()
  })

  it('sweeps the marks of those that are gone for two days', async () => {
    const gone = new Owner(driver, silentLogger, machine({ now: () => NOW_MS - 49 * HOUR_MS }))
    const lately = new Owner(driver, silentLogger, machine({ now: () => NOW_MS - 47 * HOUR_MS }))
    const owner = new Owner(driver, silentLogger, machine())
    for (const each of [gone, lately, owner]) {
      await each.start()
      await each.stop()
    }
    await owner.sweep()
    assert.deepEqual(await driver.list(OWNERS_PREFIX), [lately.id, owner.id].sort())
  })

  it('is alone where all others are gone', async () => {
    const owner = new Owner(driver, silentLogger, machine())
    assert.equal(await owner.isAlone(), true)
    const other = new Owner(driver, silentLogger, machine({ host: 'there' }))
    await other.start()
    assert.equal(await owner.isAlone(), false)
    await other.stop()
    assert.equal(await owner.isAlone(), true)
  })

  it('is not alone as long as the mark of another is fresh, whether its number is there or not', async () => {
    const other = new Owner(driver, silentLogger, machine({ pid: 20, now: () => NOW_MS - 10_001 }))
    await other.start()
    const owner = new Owner(driver, silentLogger, machine())
    assert.deepEqual([await owner.stateOf(other.id), await owner.isAlone()], ['gone', false])
    const later = new Owner(driver, silentLogger, machine({ now: () => NOW_MS + 10_000 }))
    assert.equal(await later.isAlone(), true)
    await other.stop()
  })

  it('knows when a process was cut off by a reboot or a power cut, and takes no other end for one', async () => {
    const owner = new Owner(driver, silentLogger, machine())
    assert.equal(await owner.cutOffAtMs(), undefined)
    const earlier = { now: () => NOW_MS - 2 * HOUR_MS, bootedAtMs: () => NOW_MS - 100 * HOUR_MS }
    const inOrder = new Owner(driver, silentLogger, machine(earlier))
    await inOrder.start()
    await inOrder.stop()
    const killed = new Owner(driver, silentLogger, machine({ pid: 20, now: () => NOW_MS - 60_000 }))
    await killed.start()
    const alive = new Owner(driver, silentLogger, machine({ host: 'there' }))
    await alive.start()
    assert.equal(await owner.cutOffAtMs(), undefined)
    const cutOff = new Owner(driver, silentLogger, machine(earlier))
    await cutOff.start()
    assert.equal(await owner.cutOffAtMs(), NOW_MS - 2 * HOUR_MS)
    driver.put(`${OWNERS_PREFIX}/torn`, '')
    assert.equal(await owner.cutOffAtMs(), NOW_MS - 10_000, 'of a torn mark no more is known')
    for (const each of [killed, alive, cutOff]) await each.stop()
  })

  it('is marked once others can see it, or never will', async () => {
    const owner = new Owner(driver, silentLogger, machine())
    const marked = owner.marked.then(() => driver.list(OWNERS_PREFIX))
    await owner.start()
    assert.deepEqual(await marked, [owner.id])
    await owner.stop()
  })
})

describe('this machine', () => {
  it('knows itself', () => {
    assert.ok(thisMachine.isRunning(process.pid))
    assert.ok(!thisMachine.isRunning(2 ** 30))
    assert.ok(thisMachine.startedAtMs <= thisMachine.now())
    assert.ok(thisMachine.bootedAtMs() <= thisMachine.startedAtMs + 1000)
  })
})
