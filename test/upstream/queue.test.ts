import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShortQueue, TransferQueue } from '../../src/upstream/queue.ts'

/** Lets everything that can go on go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

const never = new AbortController().signal

/** Takes places and notes in which order they were got. */
const openTransfers = (places: number) => {
  const queue = new TransferQueue(places)
  const got: string[] = []
  const releases = new Map<string, () => void>()
  const take = (
    label: string,
    priority: 'client' | 'prefetch',
    signal?: AbortSignal,
    promotion?: AbortSignal,
  ) => {
    const taken = queue.take(priority, signal, promotion).then((release) => {
      got.push(label)
      releases.set(label, release)
    })
    taken.catch(() => {})
    return taken
  }
  const release = async (label: string) => {
    releases.get(label)?.()
    await settle()
  }
  return { got, take, release }
}

test('no more transfers than places are under way, and a place is held until it is given back', async () => {
  const { got, take, release } = openTransfers(3)
  for (const label of ['a', 'b', 'c', 'd', 'e']) void take(label, 'client')
  await settle()
  assert.deepEqual(got, ['a', 'b', 'c'])
  await release('b')
  assert.deepEqual(got, ['a', 'b', 'c', 'd'])
  await release('b')
  assert.equal(got.length, 4)
})

test('a prefetch never takes the last third of the places', async () => {
  const { got, take, release } = openTransfers(12)
  for (let i = 0; i < 10; i += 1) void take(`prefetch ${i}`, 'prefetch')
  await settle()
  assert.equal(got.length, 8)
  for (let i = 0; i < 4; i += 1) void take(`client ${i}`, 'client')
  await settle()
  assert.equal(got.length, 12)
  for (let i = 0; i < 4; i += 1) await release(`prefetch ${i}`)
  assert.equal(got.length, 12)
  await release('client 0')
  assert.deepEqual(got.slice(12), ['prefetch 8'])
})

test('a client goes before a prefetch that has waited longer', async () => {
  const { got, take, release } = openTransfers(3)
  for (const label of ['a', 'b', 'c']) void take(label, 'client')
  void take('prefetch', 'prefetch')
  void take('client', 'client')
  await settle()
  await release('a')
  await release('b')
  assert.deepEqual(got, ['a', 'b', 'c', 'client'])
  await release('c')
  assert.equal(got.at(-1), 'prefetch')
})

test('a prefetch that a client comes to wait for takes a place of the last third', async () => {
  const { got, take } = openTransfers(3)
  void take('a', 'client')
  void take('b', 'client')
  const promotion = new AbortController()
  void take('prefetch', 'prefetch', undefined, promotion.signal)
  await settle()
  assert.deepEqual(got, ['a', 'b'])
  promotion.abort()
  await settle()
  assert.deepEqual(got, ['a', 'b', 'prefetch'])
})

for (const priority of ['client', 'prefetch'] as const)
  test(`a ${priority} that does not want to wait any more leaves the queue`, async () => {
    const { got, take, release } = openTransfers(1)
    void take('a', 'client')
    const abort = new AbortController()
    const waiting = take('left', priority, abort.signal)
    void take('next', priority)
    await settle()
    abort.abort(new Error('gone'))
    await assert.rejects(waiting, /gone/)
    await release('a')
    assert.deepEqual(got, ['a', 'next'])
  })

test('a place that was got stays when its signal is aborted, until it is given back', async () => {
  const { got, take, release } = openTransfers(1)
  const abort = new AbortController()
  await take('a', 'client', abort.signal)
  void take('b', 'client')
  abort.abort()
  await settle()
  assert.deepEqual(got, ['a'])
  await release('a')
  assert.deepEqual(got, ['a', 'b'])
})

test('who was aborted before does not wait at all', async () => {
  const { take } = openTransfers(1)
  await assert.rejects(take('a', 'client', AbortSignal.abort(new Error('gone'))), /gone/)
  await assert.rejects(take('b', 'prefetch', AbortSignal.abort(new Error('gone'))), /gone/)
})

test('short requests wait in order of what they are for, and give their place back also when they fail', async () => {
  const queue = new ShortQueue(1)
  const order: string[] = []
  let finish: () => void = () => {}
  const first = queue.run('client', never, () => new Promise<void>((resolve) => (finish = resolve)))
  const rest = (['prefetch', 'client', 'continued'] as const).map((priority) =>
    queue.run(priority, never, async () => {
      order.push(priority)
      throw new Error(priority)
    }),
  )
  const outcomes = Promise.allSettled(rest)
  await settle()
  finish()
  await first
  await outcomes
  assert.deepEqual(order, ['continued', 'client', 'prefetch'])
})

test('the time that was waited is told', async () => {
  const waits: number[] = []
  const queue = new ShortQueue(1, (waitS) => waits.push(waitS))
  await Promise.all([1, 2].map(() => queue.run('client', never, async () => {})))
  assert.equal(waits.length, 2)
})
