import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gates, type Limitation } from '../../src/upstream/gates.ts'
import { UpstreamError } from '../../src/upstream/upstream.ts'

const openGates = () => {
  const clock = { nowMs: 1_000_000 }
  const gates = new Gates('hub', () => clock.nowMs)
  const limit = (limitation: Partial<Limitation> = {}) =>
    gates.close({ kind: 'manifest', account: '', retryAfterMs: undefined, isAbuse: false, ...limitation })
  return { clock, gates, limit }
}

const isClosed = (work: () => void): number | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    assert.ok(error instanceof UpstreamError && error.kind === 'limited')
    return error.retryAfterMs
  }
}

test('a 429 holds back requests of its kind and account, for as long as it says', () => {
  const { clock, gates, limit } = openGates()
  limit({ retryAfterMs: 5000 })
  assert.equal(
    isClosed(() => gates.check('manifest', '')),
    5000,
  )
  for (const kind of ['head', 'blob', 'token', 'list'] as const)
    assert.equal(
      isClosed(() => gates.check(kind, '')),
      undefined,
    )
  assert.equal(
    isClosed(() => gates.check('manifest', 'alice')),
    undefined,
  )
  assert.equal(gates.limitedUntilMs, 1_005_000)
  clock.nowMs += 5000
  assert.equal(
    isClosed(() => gates.check('manifest', '')),
    undefined,
  )
  assert.equal(gates.limitedUntilMs, undefined)
})

test('an abuse limit holds back everything', () => {
  const { gates, limit } = openGates()
  limit({ isAbuse: true, retryAfterMs: 5000 })
  for (const kind of ['manifest', 'head', 'blob', 'token', 'list'] as const)
    for (const account of ['', 'alice'])
      assert.equal(
        isClosed(() => gates.check(kind, account)),
        5000,
      )
})

test('without Retry-After the pause begins with a minute, doubles, and ends at 15', () => {
  const { clock, limit } = openGates()
  const minutes: number[] = []
  for (let i = 0; i < 6; i += 1) {
    const pauseMs = limit()
    minutes.push(pauseMs / 60_000)
    clock.nowMs += pauseMs
  }
  assert.deepEqual(minutes, [1, 2, 4, 8, 15, 15])
})

test('several 429 of requests that were under way together count as one', () => {
  const { limit } = openGates()
  assert.deepEqual([limit(), limit(), limit()], [60_000, 60_000, 60_000])
})

test('a success begins anew with the shortest pause', () => {
  const { clock, gates, limit } = openGates()
  clock.nowMs += limit()
  gates.open('manifest', '')
  assert.equal(limit(), 60_000)
})

test('a success of a request that was under way does not open a closed gate', () => {
  const { gates, limit } = openGates()
  limit()
  gates.open('manifest', '')
  assert.equal(
    isClosed(() => gates.check('manifest', '')),
    60_000,
  )
})
