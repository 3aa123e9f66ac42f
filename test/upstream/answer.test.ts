import assert from 'node:assert/strict'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { AnswerBody, discard, readBody } from '../../src/upstream/answer.ts'
import { seededBytes } from '../support/bytes.ts'
import { withUpstream } from './client.ts'

const MIB = 1024 * 1024

/** A body with a connection that notes what is asked of it. */
const openBody = () => {
  const orders: string[] = []
  const told: number[] = []
  const controller = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (reason: Error) => orders.push(`abort: ${reason.message}`),
    pause: () => orders.push('pause'),
    resume: () => orders.push('resume'),
  }
  return { body: new AnswerBody(controller, (bytes) => told.push(bytes)), orders, told }
}

test('a body that nobody reads stops its connection after 1 MiB, and reading starts it again', async () => {
  const { body, orders } = openBody()
  body.receive(Buffer.alloc(MIB - 1))
  assert.equal(orders.length, 0)
  body.receive(Buffer.alloc(1))
  assert.deepEqual(orders, ['pause'])
  body.read()
  body.complete()
  await buffer(body)
  assert.ok(orders.includes('resume'))
})

test('bytes are told by the mebibyte and at the end, each once', async () => {
  const { body, told } = openBody()
  for (let i = 0; i < 5; i += 1) body.receive(Buffer.alloc(MIB / 2))
  body.complete()
  await buffer(body)
  assert.deepEqual(told, [MIB, MIB, MIB / 2])
})

test('destroying a body cuts its connection, unless all of it has come', async () => {
  for (const isComplete of [false, true]) {
    const { body, orders } = openBody()
    body.receive(Buffer.alloc(10))
    if (isComplete) body.complete()
    body.destroy(new Error('enough'))
    await new Promise((resolve) => body.once('close', resolve))
    assert.deepEqual(
      orders.filter((order) => order.startsWith('abort')),
      isComplete ? [] : ['abort: enough'],
    )
  }
})

for (const reader of ['for await', 'data events'] as const)
  test(`by ${reader}, all that came before a failure is read before it`, async () => {
    const { body } = openBody()
    for (const text of ['a', 'b', 'c']) body.receive(Buffer.from(text))
    body.fail(new Error('cut'))
    let got = ''
    const read = async () => {
      if (reader === 'for await') for await (const chunk of body) got += chunk
      else {
        body.on('data', (chunk) => {
          got += chunk
        })
        await once(body, 'end')
      }
    }
    await assert.rejects(read(), /cut/)
    assert.equal(got, 'abc')
  })

test('a body that is too long is cut, not read', async () => {
  const { body, orders } = openBody()
  body.receive(Buffer.alloc(11))
  assert.equal(await readBody(body, 10), undefined)
  assert.match(orders.join(), /abort/)
})

test('an unwanted body is read while it is short, and cut when it is not', async () => {
  const short = openBody()
  discard(short.body)
  short.body.receive(Buffer.alloc(1000))
  short.body.complete()
  const long = openBody()
  discard(long.body)
  for (let i = 0; i < 3; i += 1) long.body.receive(Buffer.alloc(40_000))
  await Promise.all([short, long].map(({ body }) => new Promise((resolve) => body.once('close', resolve))))
  assert.doesNotMatch(short.orders.join(), /abort/)
  assert.match(long.orders.join(), /abort/)
})

const STALL_MS = 500

test(
  'a body has not stalled while nobody reads it',
  withUpstream({}, { limits: { stallMs: STALL_MS } }, async ({ hub, upstream }) => {
    const bytes = seededBytes(8 * MIB)
    const { digest } = hub.addBlob('a', bytes)
    const { body } = await upstream.blob('a', digest)
    // Longer than a stall may last: the time itself is what is tried here.
    await wait(1.2 * STALL_MS)
    assert.deepEqual(await buffer(body), bytes)
  }),
)
