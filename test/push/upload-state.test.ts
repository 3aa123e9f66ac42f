import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseRepositoryName } from '../../src/protocol/name.ts'
import { formatUploadState, parseUploadState, type UploadState } from '../../src/push/upload-state.ts'
import { anyText, repositoryNames } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'

const STATE: UploadState = {
  name: parseRepositoryName('team/app'),
  id: randomUUID(),
  offset: 1024,
  startedAtMs: 1_700_000_000_000,
}

const states = fc
  .tuple(repositoryNames, fc.uuid(), fc.maxSafeNat(), fc.maxSafeNat())
  .map(([name, id, offset, startedAtMs]): UploadState => ({ name, id, offset, startedAtMs }))

describe('the state in the location of an upload', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(states, anyText, (state, secret) => {
        assert.deepEqual(parseUploadState(secret, formatUploadState(secret, state)), state)
      }),
    )
  })

  it('needs no escaping in a URL', () => {
    assert.match(formatUploadState('secret', STATE), /^[\w-]+$/)
  })

  it('is worth nothing with another secret', () => {
    assert.equal(parseUploadState('other', formatUploadState('secret', STATE)), undefined)
  })

  it('is worth nothing when any of its bits is another', () => {
    const bytes = Buffer.from(formatUploadState('secret', STATE), 'base64url')
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const forged = Buffer.from(bytes)
        forged[bit >> 3]! ^= 1 << (bit & 7)
        assert.equal(parseUploadState('secret', forged.toString('base64url')), undefined)
      }),
    )
  })

  it('is nothing where the text is anything else', () => {
    fc.assert(fc.property(anyText, (text) => assert.equal(parseUploadState('secret', text), undefined)))
  })

  const impossible: readonly [what: string, state: object][] = [
    ['a name that is none', { ...STATE, name: '../..' }],
    ['an id that is a path', { ...STATE, id: '../../etc' }],
    ['an offset before the beginning', { ...STATE, offset: -1 }],
    ['an offset that is no number', { ...STATE, offset: '0' }],
    ['nothing at all', {}],
  ]
  for (const [what, state] of impossible)
    it(`is nothing with ${what}, though signed`, () => {
      assert.equal(parseUploadState('secret', formatUploadState('secret', state as UploadState)), undefined)
    })
})
