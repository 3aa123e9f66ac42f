import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { Leases } from '../../src/store/leases.ts'

const DIGEST = digestOf('a blob')
const OTHER = digestOf('another')

/** A promise, and what resolves it. */
const defer = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('a blob that is held', () => {
  it('is not removed until all who hold it are done', async () => {
    const leases = new Leases()
    const [one, two] = [defer(), defer()]
    const holders = [
      leases.during([DIGEST], () => one.promise),
      leases.during([DIGEST, OTHER], () => two.promise),
    ]
    assert.equal(await leases.remove(DIGEST, async () => true), undefined)
    one.resolve()
    await holders[0]
    assert.equal(await leases.remove(DIGEST, async () => true), undefined)
    two.resolve()
    await holders[1]
    assert.equal(await leases.remove(DIGEST, async () => true), true)
  })

  it('is released when the work on it fails', async () => {
    const leases = new Leases()
    await assert.rejects(
      leases.during([DIGEST], () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(await leases.remove(DIGEST, async () => true), true)
  })
})

describe('a blob that is being removed', () => {
  it('is looked for only when it is gone', async () => {
    const leases = new Leases()
    const order: string[] = []
    const removal = defer()
    const removing = leases.remove(DIGEST, async () => {
      await removal.promise
      order.push('removed')
    })
    const looking = [
      leases.renew(DIGEST).then(() => order.push('renewed')),
      leases.during([DIGEST], async () => order.push('held')),
    ]
    await leases.during([OTHER], async () => order.push('another held'))
    removal.resolve()
    await Promise.all([removing, ...looking])
    assert.deepEqual(order.slice(0, 2), ['another held', 'removed'])
    assert.equal(order.length, 4)
  })

  it('may be leased again though the removal failed', async () => {
    const leases = new Leases()
    const removing = leases.remove(DIGEST, () => Promise.reject(new Error('disk')))
    const held = leases.during([DIGEST], async () => 'held')
    await assert.rejects(removing, /disk/)
    assert.equal(await held, 'held')
  })
})

describe('a blob that was renewed', () => {
  it('is told, and its removal is for whoever asks to decide', async () => {
    const renewed: Digest[] = []
    const leases = new Leases((digest) => renewed.push(digest))
    await leases.renew(DIGEST)
    assert.deepEqual(renewed, [DIGEST])
    assert.equal(await leases.remove(DIGEST, async () => true), true)
  })

  it('is waited for until other processes can see us', async () => {
    const marked = defer()
    const leases = new Leases()
    leases.waitFor(marked.promise)
    const order: string[] = []
    const waiting = [
      leases.renew(DIGEST).then(() => order.push('renewed')),
      leases.during([DIGEST], async () => order.push('held')),
    ]
    await new Promise(setImmediate)
    assert.deepEqual(order, [])
    marked.resolve()
    await Promise.all(waiting)
    assert.equal(order.length, 2)
  })
})
