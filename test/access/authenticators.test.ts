import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  basicChallenge,
  bearerChallenge,
  createAuthenticator,
  openAuthenticator,
} from '../../src/access/authenticators.ts'
import { parseCredentials } from '../../src/access/credentials.ts'
import { RegistryError } from '../../src/protocol/error.ts'
import fc from '../support/fast-check.ts'

const REQUEST = { origin: 'https://registry.example:5000', address: '192.0.2.1' }
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

describe('parseCredentials', () => {
  for (const [header, expected] of [
    [undefined, { kind: 'none' }],
    ['', { kind: 'none' }],
    [basic('alice:secret'), { kind: 'basic', account: 'alice', password: 'secret' }],
    [basic('alice:a:b'), { kind: 'basic', account: 'alice', password: 'a:b' }],
    [basic('jörg:p ä'), { kind: 'basic', account: 'jörg', password: 'p ä' }],
    [basic(':'), { kind: 'basic', account: '', password: '' }],
    ['bAsIc  YTpi ', { kind: 'basic', account: 'a', password: 'b' }],
    ['bearer a.b.c', { kind: 'bearer', token: 'a.b.c' }],
    [basic('no colon'), { kind: 'other' }],
    ['Basic', { kind: 'other' }],
    ['Basic ', { kind: 'other' }],
    ['Bearer a b', { kind: 'other' }],
    ['Digest username="x"', { kind: 'other' }],
  ] as const)
    it(`reads ${JSON.stringify(header)}`, () => {
      assert.deepEqual(parseCredentials(header), expected)
    })

  it('never throws, and gives back every account and password', () => {
    fc.assert(fc.property(fc.string(), (text) => parseCredentials(text).kind !== undefined))
    const part = fc.string({ unit: 'binary' }).filter((text) => Buffer.from(text).toString() === text)
    fc.assert(
      fc.property(
        part.filter((text) => !text.includes(':')),
        part,
        (account, password) => {
          assert.deepEqual(parseCredentials(basic(`${account}:${password}`)), {
            kind: 'basic',
            account,
            password,
          })
        },
      ),
    )
  })
})

describe('createAuthenticator', () => {
  const accounts = {
    check: async (account: string, password: string) => {
      if (account === 'busy') return { kind: 'later', error: new RegistryError('UNAVAILABLE') } as const
      return { kind: account === 'alice' && password === 'secret' ? 'right' : 'wrong' } as const
    },
    stamp: async () => undefined,
  }
  const verifier = {
    verify: async (token: string) =>
      token === 'good'
        ? ({ kind: 'valid', identity: { account: 'alice', granted: [] } } as const)
        : ({ kind: 'invalid', reason: 'it is bad' } as const),
  }
  const challenge = basicChallenge('Registry')

  for (const [what, given, header, expected] of [
    ['no header is anonymous', { accounts, verifier }, undefined, 'anonymous'],
    ['a right password', { accounts, verifier }, basic('alice:secret'), 'identified'],
    ['a wrong password', { accounts, verifier }, basic('alice:x'), 'refused'],
    ['a password that cannot be checked now', { accounts, verifier }, basic('busy:x'), 'unchecked'],
    ['a password where there are no accounts', { verifier }, basic('alice:secret'), 'refused'],
    ['a good token', { accounts, verifier }, 'Bearer good', 'identified'],
    ['a bad token', { accounts, verifier }, 'Bearer bad', 'refused invalid_token'],
    ['a token where there are passwords alone', { accounts }, 'Bearer good', 'refused'],
    ['another scheme', { accounts, verifier }, 'Negotiate YII=', 'refused'],
  ] as const)
    it(`${what}: ${expected}`, async () => {
      const identification = await createAuthenticator({ ...given, challenge }).identify(header, REQUEST)
      const error = identification.kind === 'refused' ? (identification.error ?? '') : ''
      assert.equal(`${identification.kind} ${error}`.trim(), expected)
    })

  it('says who, and that a password came without a token', async () => {
    const identification = await createAuthenticator({ accounts, challenge }).identify(
      basic('alice:secret'),
      REQUEST,
    )
    assert.deepEqual(identification, {
      kind: 'identified',
      identity: { account: 'alice', granted: undefined },
    })
  })
})

describe('openAuthenticator', () => {
  it('takes everybody for anonymous, whatever he sends', async () => {
    for (const header of [undefined, basic('a:b'), 'Bearer x', 'nonsense'])
      assert.deepEqual(await openAuthenticator.identify(header, REQUEST), { kind: 'anonymous' })
  })
})

describe('challenges', () => {
  const scopes = [
    { type: 'repository', name: 'a/b', actions: ['pull', 'push'] },
    { type: 'repository', name: 'c', actions: ['pull'] },
  ]

  it('are Basic with the realm, quoted', () => {
    assert.equal(basicChallenge('Basic "Realm"')([], REQUEST), 'Basic realm="Basic \\"Realm\\""')
  })

  it('are Bearer with realm, service, scopes and error, in that order and without spaces', () => {
    const challenge = bearerChallenge({ realm: 'https://auth.example/token', service: 'registry' })
    assert.equal(
      challenge(scopes, REQUEST, 'insufficient_scope'),
      'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push repository:c:pull",error="insufficient_scope"',
    )
    assert.equal(challenge([], REQUEST), 'Bearer realm="https://auth.example/token",service="registry"')
  })

  it('make a realm that is a path absolute by the origin of the request', () => {
    assert.equal(
      bearerChallenge({ realm: '/prefix/token', service: 'registry' })([], REQUEST),
      'Bearer realm="https://registry.example:5000/prefix/token",service="registry"',
    )
  })
})
