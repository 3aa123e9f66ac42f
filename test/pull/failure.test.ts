import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegistryError } from '../../src/protocol/error.ts'
import { allowsStale, formatWarning, toAnswer } from '../../src/pull/failure.ts'
import { UpstreamError, type UpstreamErrorKind } from '../../src/upstream/upstream.ts'

const answer = (kind: UpstreamErrorKind, retryAfterMs?: number): RegistryError => {
  const error = toAnswer(new UpstreamError(kind, 'it failed', { retryAfterMs }), 'blob')
  assert.ok(error instanceof RegistryError)
  return error
}

describe('the answer for a failed upstream', () => {
  const cases: readonly [UpstreamErrorKind, status: number, code: string, isStaleAllowed: boolean][] = [
    ['absent', 404, 'BLOB_UNKNOWN', false],
    ['unreachable', 502, 'UNAVAILABLE', true],
    ['timeout', 504, 'UNAVAILABLE', true],
    ['status', 502, 'UNAVAILABLE', true],
    ['limited', 429, 'TOOMANYREQUESTS', true],
    ['refused', 502, 'UNAVAILABLE', true],
    ['forbidden', 502, 'UNAVAILABLE', true],
    ['corrupt', 502, 'UNAVAILABLE', true],
  ]
  for (const [kind, status, code, isStaleAllowed] of cases)
    it(`is ${status} ${code} when it is ${kind}, ${isStaleAllowed ? 'unless something is cached' : 'whatever is cached'}`, () => {
      assert.deepEqual([answer(kind).status, answer(kind).code], [status, code])
      assert.equal(allowsStale(new UpstreamError(kind, '')), isStaleAllowed)
    })

  it('says of a 404 what was wanted', () => {
    const error = new UpstreamError('absent', '')
    assert.equal((toAnswer(error, 'manifest') as RegistryError).code, 'MANIFEST_UNKNOWN')
    assert.equal((toAnswer(error, 'repository') as RegistryError).code, 'NAME_UNKNOWN')
  })

  it('rounds Retry-After up to whole seconds, and always sends one', () => {
    assert.equal(answer('limited', 1500).headers['Retry-After'], '2')
    assert.equal(answer('limited').headers['Retry-After'], '1')
  })

  it('leaves a failure that is no upstream’s as it is', () => {
    const error = new Error('a defect')
    assert.equal(toAnswer(error, 'blob'), error)
    assert.equal(allowsStale(error), false)
  })
})

describe('a warning', () => {
  it('has the one form that clients read, whatever the message holds', () => {
    const warning = formatWarning(
      new UpstreamError('status', `a "quoted" \\ text\r\nX-Evil: 1 ${'x'.repeat(5000)}`),
    )
    assert.match(warning, /^299 - "[^"\\\r\n]{1,400}"$/)
  })
})
