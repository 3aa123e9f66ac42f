import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOB_PLAN, pauseBeforeRetry, SHORT_PLAN } from '../../src/upstream/retry.ts'
import { UpstreamError, type UpstreamErrorKind } from '../../src/upstream/upstream.ts'

const errorOf = (kind: UpstreamErrorKind, status?: number, retryAfterMs?: number) =>
  new UpstreamError(kind, 'x', { status, retryAfterMs })

const pauses = (error: UpstreamError, plan = SHORT_PLAN, leftMs = 25_000) =>
  [1, 2, 3, 4, 5].map((failures) => pauseBeforeRetry(error, plan, failures, leftMs, 1))

const none = [undefined, undefined, undefined, undefined, undefined]

test('a connection that failed, a deadline and a 5xx are tried again, each time later', () => {
  for (const error of [errorOf('unreachable'), errorOf('timeout'), errorOf('status', 503), errorOf('status')])
    assert.deepEqual(pauses(error), [150, 300, undefined, undefined, undefined])
  assert.deepEqual(pauses(errorOf('unreachable'), BLOB_PLAN), [250, 500, 1000, 2000, undefined])
})

test('what another try cannot mend is not tried again', () => {
  for (const kind of ['limited', 'absent', 'refused', 'forbidden', 'corrupt'] as const)
    assert.deepEqual(pauses(errorOf(kind), BLOB_PLAN), none, kind)
  const untrusted = Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' })
  assert.deepEqual(pauses(new UpstreamError('unreachable', 'x', { cause: untrusted }), BLOB_PLAN), none)
})

test('a status below 500 is tried again once for a blob, since a CDN gave it, and never for a short request', () => {
  assert.deepEqual(pauses(errorOf('status', 403)), none)
  assert.deepEqual(pauses(errorOf('status', 403), BLOB_PLAN), [250, ...none.slice(1)])
})

test('chance shortens a pause by up to a half', () => {
  assert.equal(pauseBeforeRetry(errorOf('timeout'), SHORT_PLAN, 1, 25_000, 0), 75)
})

test('Retry-After is waited for where there is time for it', () => {
  const error = errorOf('status', 503, 5000)
  assert.equal(pauses(error)[0], 5000)
  assert.equal(pauses(error, SHORT_PLAN, 5000)[0], undefined)
})

test('no try begins after the time is over', () => {
  assert.deepEqual(pauses(errorOf('timeout'), SHORT_PLAN, 100), none)
})
