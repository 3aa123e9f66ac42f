import assert from 'node:assert/strict'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { createReadSource, type ForwardedOptions } from '../../src/http/forwarded.ts'

const OPTIONS: ForwardedOptions = { host: undefined, trustedProxies: [], assumesTls: false }

/** A request as far as it is looked at. */
const request = (headers: IncomingHttpHeaders, socket: object = {}): IncomingMessage =>
  ({ headers, socket: { remoteAddress: '192.0.2.9', ...socket } }) as unknown as IncomingMessage

describe('the origin of a request', () => {
  const origins: readonly [what: string, headers: IncomingHttpHeaders, origin: string][] = [
    ['the host that was asked', { host: 'registry:5000' }, 'http://registry:5000'],
    ['an IPv6 address', { host: '[::1]:5000' }, 'http://[::1]:5000'],
    [
      'what a proxy says by X-Forwarded-*, the outermost where there are several',
      { host: 'inner', 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'outer.example, inner' },
      'https://outer.example',
    ],
    [
      'what a proxy says by Forwarded, before the others',
      {
        host: 'inner',
        forwarded: 'for=192.0.2.1;proto=https;host="outer.example:444", proto=http',
        'x-forwarded-host': 'other',
      },
      'https://outer.example:444',
    ],
    ['only as much as a proxy says', { host: 'registry', 'x-forwarded-proto': 'https' }, 'https://registry'],
    [
      'nothing that is no scheme or no host',
      { host: 'registry', 'x-forwarded-proto': 'javascript', 'x-forwarded-host': 'a"b/c?d' },
      'http://registry',
    ],
  ]
  for (const [what, headers, origin] of origins)
    it(`is ${what}`, () => {
      assert.equal(createReadSource(OPTIONS)(request(headers)).origin, origin)
    })

  it('is what http.host says, without a path', () => {
    const read = createReadSource({ ...OPTIONS, host: 'https://registry.example:8443/x' })
    const headers = { host: 'inner', 'x-forwarded-host': 'other' }
    assert.equal(read(request(headers)).origin, 'https://registry.example:8443')
  })

  it('is https on a TLS connection, and where a proxy is taken to speak it', () => {
    const encrypted = request({ host: 'registry' }, { encrypted: true })
    assert.equal(createReadSource(OPTIONS)(encrypted).origin, 'https://registry')
    const assumes = createReadSource({ ...OPTIONS, assumesTls: true })
    assert.equal(assumes(request({ host: 'registry' })).origin, 'https://registry')
    const plain = request({ host: 'registry', 'x-forwarded-proto': 'http' })
    assert.equal(assumes(plain).origin, 'http://registry')
  })

  it('is the address of the connection where a client says no host', () => {
    const socket = { localAddress: '::1', localPort: 5000 }
    assert.equal(createReadSource(OPTIONS)(request({}, socket)).origin, 'http://[::1]:5000')
  })
})

describe('the address of a client', () => {
  const addresses: readonly [
    what: string,
    remoteAddress: string | undefined,
    forwardedFor: string | undefined,
    address: string,
  ][] = [
    ['that of the connection', '192.0.2.9', undefined, '192.0.2.9'],
    ['written as IPv4 where it is one', '::ffff:192.0.2.9', undefined, '192.0.2.9'],
    ['not what a stranger says', '192.0.2.9', '198.51.100.1', '192.0.2.9'],
    ['what a proxy on this machine says', '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['what a proxy on a unix socket says', undefined, '198.51.100.1', '198.51.100.1'],
    ['what a configured proxy says', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['what a configured address says', '::ffff:203.0.113.7', '198.51.100.1', '198.51.100.1'],
    [
      'the nearest that is no proxy, not what the client claims',
      '::1',
      '1.1.1.1, 198.51.100.1, 10.9.9.9',
      '198.51.100.1',
    ],
    ['the outermost where all are proxies', '127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['without a port', '127.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['without brackets', '127.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['the last that makes sense', '127.0.0.1', 'unknown, 10.0.0.1', '10.0.0.1'],
    ['that of the connection where the header makes none', '127.0.0.1', '_hidden', '127.0.0.1'],
  ]
  for (const [what, remoteAddress, forwardedFor, address] of addresses)
    it(`is ${what}`, () => {
      const read = createReadSource({ ...OPTIONS, trustedProxies: ['10.0.0.0/8', '203.0.113.7'] })
      const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
      assert.equal(read(request(headers, { remoteAddress })).address, address)
    })

  it('is found without looking at thousands of hops', () => {
    const hops = Array.from({ length: 5000 }, () => '127.0.0.1').join(',')
    const headers = { 'x-forwarded-for': `198.51.100.1,${hops}` }
    assert.equal(
      createReadSource(OPTIONS)(request(headers, { remoteAddress: '127.0.0.1' })).address,
      '127.0.0.1',
    )
  })
})
