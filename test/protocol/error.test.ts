import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, RegistryError } from '../../src/protocol/error.ts'

describe('an error of the registry API', () => {
  const table: [code: ErrorCode, status: number][] = [
    ['BLOB_UNKNOWN', 404],
    ['BLOB_UPLOAD_INVALID', 404],
    ['BLOB_UPLOAD_UNKNOWN', 404],
    ['DENIED', 403],
    ['DIGEST_INVALID', 400],
    ['MANIFEST_BLOB_UNKNOWN', 400],
    ['MANIFEST_INVALID', 400],
    ['MANIFEST_UNKNOWN', 404],
    ['NAME_INVALID', 400],
    ['NAME_UNKNOWN', 404],
    ['PAGINATION_NUMBER_INVALID', 400],
    ['RANGE_INVALID', 416],
    ['SIZE_INVALID', 400],
    ['TAG_INVALID', 400],
    ['TOOMANYREQUESTS', 429],
    ['UNAUTHORIZED', 401],
    ['UNAVAILABLE', 503],
    ['UNKNOWN', 500],
    ['UNSUPPORTED', 405],
  ]
  for (const [code, status] of table)
    it(`${code} is ${status}, with a message for people`, () => {
      const error = new RegistryError(code)
      assert.equal(error.code, code)
      assert.equal(error.status, status)
      assert.match(error.message, /^[a-z ]+$/)
      assert.deepEqual(error.headers, {})
    })

  it('has a body of one entry, which ends in a newline', () => {
    const error = new RegistryError('MANIFEST_UNKNOWN', { detail: { Tag: 'x' } })
    assert.equal(
      error.toBody(),
      '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown to registry","detail":{"Tag":"x"}}]}\n',
    )
  })

  it('leaves detail out where there is none', () => {
    assert.equal(
      new RegistryError('UNAUTHORIZED').toBody(),
      '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}\n',
    )
  })

  it('may say another message, another status and headers of its own', () => {
    const headers = { 'Retry-After': '30' }
    const error = new RegistryError('UNKNOWN', { message: 'upstream timed out', status: 504, headers })
    assert.deepEqual([error.message, error.status, error.headers], ['upstream timed out', 504, headers])
    assert.equal(JSON.parse(error.toBody()).errors[0].message, 'upstream timed out')
  })

  it('may have several entries, the first of which gives the status', () => {
    const entry = (detail: string) => ({
      code: 'MANIFEST_BLOB_UNKNOWN' as const,
      message: 'not here',
      detail,
    })
    const error = new RegistryError('MANIFEST_BLOB_UNKNOWN', {
      message: 'not here',
      detail: 'a',
      more: [entry('b'), entry('c')],
    })
    assert.equal(error.status, 400)
    assert.deepEqual(JSON.parse(error.toBody()), { errors: [entry('a'), entry('b'), entry('c')] })
  })

  it('keeps its cause for the log, and out of the body', () => {
    const cause = new Error('password is hunter2')
    const error = new RegistryError('UNKNOWN', { cause })
    assert.equal(error.cause, cause)
    assert.doesNotMatch(error.toBody(), /hunter2|stack|cause/)
  })

  it('is an Error of its own name, without a cause where there is none', () => {
    const error = new RegistryError('DENIED')
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'RegistryError')
    assert.equal('cause' in error, false)
  })
})
