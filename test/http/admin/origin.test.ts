import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type CallOrigin,
  isFromHere,
  type OriginRules,
  requireAdminOrigin,
  requireOrigin,
} from '../../../src/http/admin/origin.ts'
import { RegistryError } from '../../../src/protocol/error.ts'

const CALL: CallOrigin = {
  method: 'POST',
  localAddress: '127.0.0.1',
  remoteAddress: '127.0.0.1',
  isEncrypted: false,
  host: 'localhost:5001',
  contentType: 'application/json',
  origin: undefined,
  fetchSite: undefined,
}
const RULES: OriginRules = { allowsInsecure: false, ownHosts: ['admin.internal'] }
const OUTSIDE = { localAddress: '192.0.2.1', remoteAddress: '192.0.2.9' }

const statusOf = (call: Partial<CallOrigin>, rules: Partial<OriginRules> = {}): number => {
  try {
    const [all, told] = [
      { ...CALL, ...call },
      { ...RULES, ...rules },
    ]
    requireOrigin(all, told)
    requireAdminOrigin(all, told)
    return 200
  } catch (error) {
    assert.ok(error instanceof RegistryError)
    return error.status
  }
}

describe('where an admin call may come from', () => {
  const cases: [what: string, status: number, call: Partial<CallOrigin>, rules?: Partial<OriginRules>][] = [
    ['this machine', 200, {}],
    ['this machine by IPv6', 200, { localAddress: '::1', remoteAddress: '::1', host: '[::1]:5001' }],
    [
      'this machine by IPv4 in IPv6',
      200,
      { localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.1' },
    ],
    ['a socket of this machine', 200, { localAddress: '', remoteAddress: '' }],
    ['this machine under any name of its own', 200, { host: 'entrepot.localhost' }],
    ['this machine under the name in http.debug.addr', 200, { host: 'Admin.Internal:5001' }],
    ['this machine under a name of somebody else', 403, { host: 'evil.example:5001' }],
    ['this machine under a name that begins like an address', 403, { host: '127.0.0.1.evil.example' }],
    ['elsewhere, unencrypted', 403, OUTSIDE],
    ['elsewhere, unencrypted where that is meant', 200, OUTSIDE, { allowsInsecure: true }],
    ['elsewhere, encrypted', 200, { ...OUTSIDE, isEncrypted: true }],
    ['elsewhere under any name', 200, { ...OUTSIDE, isEncrypted: true, host: 'registry.example' }],
    ['elsewhere to an address that is loopback only at one end', 403, { remoteAddress: '192.0.2.9' }],
    ['a page of our own', 200, { origin: 'http://localhost:5001', fetchSite: 'same-origin' }],
    ['a page of another origin', 403, { origin: 'http://localhost:3000' }],
    ['a page without an origin', 403, { origin: 'null' }],
    ['a page of a neighbour', 403, { fetchSite: 'same-site' }],
    ['no page', 200, { fetchSite: 'none' }],
    ['a form', 415, { contentType: 'text/plain' }],
    ['nothing said', 415, { contentType: undefined }],
    ['a type with a charset', 200, { contentType: 'Application/JSON; charset=utf-8' }],
    ['a read without a type', 200, { method: 'GET', contentType: undefined }],
  ]
  for (const [what, status, call, rules] of cases)
    it(`${what}: ${status}`, () => {
      assert.equal(statusOf(call, rules), status)
    })

  it('is this machine where both ends of the connection are', () => {
    assert.equal(isFromHere(CALL), true)
    assert.equal(isFromHere({ ...CALL, ...OUTSIDE }), false)
  })
})
