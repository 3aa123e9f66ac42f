import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { Leases } from '../../src/store/leases.ts'

const DIGEST = digestOf('blob')
const HOUR_MS = 3_600_000

describe('a lease', () => {
  /** Whether a collector would take the blob now. */
  const isTaken = (leases: Leases): Promise<boolean> => leases.remove(DIGEST, async () => {})

  it('keeps a blob while work is under way, however many hold it, and no longer', async () => {
    const leases = new Leases()
    await leases.during([DIGEST], async () => {
      await leases.during([DIGEST, DIGEST], async () => assert.equal(await isTaken(leases), false))
      assert.equal(await isTaken(leases), false)
    })
    assert.equal(await isTaken(leases), true)
  })

  it('ends when the work fails', async () => {
    const leases = new Leases()
    const work = leases.during([DIGEST], async () => Promise.reject(new Error('no')))
    await assert.rejects(work, /no/)
    assert.equal(await isTaken(leases), true)
  })

  it('lasts for hours after a blob was pushed or asked for', async () => {
    let nowMs = 1
    const leases = new Leases(() => nowMs)
    await leases.renew(DIGEST)
    nowMs += 5 * HOUR_MS
    assert.equal(await isTaken(leases), false)
    nowMs += 2 * HOUR_MS
    assert.equal(await isTaken(leases), true)
  })

  it('that comes during a removal begins when the blob is gone, so that nobody finds it half there', async () => {
    const leases = new Leases()
    const seen: string[] = []
    let end = (): void => {}
    const removing = leases.remove(
      DIGEST,
      () =>
        new Promise<void>((resolve) => {
          end = () => {
            seen.push('removed')
            resolve()
          }
        }),
    )
    const work = leases.during([DIGEST], async () => void seen.push('looked'))
    const renewed = leases.renew(DIGEST).then(() => seen.push('renewed'))
    end()
    await Promise.all([removing, work, renewed])
    assert.equal(seen[0], 'removed')
    assert.deepEqual(seen.slice(1).sort(), ['looked', 'renewed'])
  })

  it('is not held up by a removal that failed', async () => {
    const leases = new Leases()
    await assert.rejects(
      leases.remove(DIGEST, async () => Promise.reject(new Error('no'))),
      /no/,
    )
    await leases.during([DIGEST], async () => {})
  })
})
