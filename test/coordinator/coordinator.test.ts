import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { MemoryCoordinator } from '../../src/coordinator/coordinator.ts'

describe('the coordinator of a single process', () => {
  let nowMs: number
  let coordinator: MemoryCoordinator

  beforeEach(() => {
    nowMs = 1000
    coordinator = new MemoryCoordinator(() => nowMs)
  })

  const createGate = (): { opened: Promise<void>; open: () => void } => {
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    return { opened, open }
  }

  it('runs work once for all who ask while it is under way, and again for who asks later', async () => {
    let runs = 0
    const gate = createGate()
    const work = async (): Promise<number> => {
      runs += 1
      await gate.opened
      return runs
    }
    const asked = [coordinator.once('key', work), coordinator.once('key', work)]
    const other = coordinator.once('other', async () => 'other')
    gate.open()
    assert.deepEqual(await Promise.all(asked), [1, 1])
    assert.equal(await other, 'other')
    assert.equal(await coordinator.once('key', work), 2)
  })

  it('gives the failure of work to all who asked, and keeps nothing of it', async () => {
    const fail = (): Promise<never> => Promise.reject(new Error('failed'))
    const asked = [coordinator.once('key', fail), coordinator.once('key', fail)]
    for (const each of asked) await assert.rejects(each, /failed/)
    assert.equal(await coordinator.once('key', async () => 'well'), 'well')
  })

  it('gives as a failure what work throws before it is under way', async () => {
    const fail = (): Promise<never> => {
      throw new Error('thrown')
    }
    await assert.rejects(coordinator.once('key', fail), /thrown/)
    assert.equal(await coordinator.once('key', async () => 'well'), 'well')
  })

  it('runs exclusive work for a key one at a time, in the order asked, whatever fails', async () => {
    const steps: string[] = []
    const gate = createGate()
    const step = (name: string) => async (): Promise<void> => {
      steps.push(`${name} begins`)
      await gate.opened
      steps.push(`${name} ends`)
      if (name === 'b') throw new Error('failed')
    }
    const asked = ['a', 'b', 'c'].map((name) => coordinator.exclusive('key', step(name)))
    await coordinator.exclusive('other', async () => {})
    gate.open()
    const outcomes = await Promise.allSettled(asked)
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('remembers facts for their time', async () => {
    await coordinator.remember('key', { a: 1 }, 100)
    nowMs += 99
    assert.deepEqual(await coordinator.recall('key'), { a: 1 })
    nowMs += 2
    assert.equal(await coordinator.recall('key'), undefined)
  })

  it('remembers nothing for no time', async () => {
    await coordinator.remember('key', true, 100)
    await coordinator.remember('key', true, 0)
    assert.equal(await coordinator.recall('key'), undefined)
  })

  it('forgets what it is told to', async () => {
    await coordinator.remember('key', true, 100)
    await coordinator.forget('key')
    assert.equal(await coordinator.recall('key'), undefined)
  })
})
