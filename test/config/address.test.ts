import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseListenAddress } from '../../src/config/address.ts'

test('addresses to listen on are read as Go reads them', () => {
  const rows = [
    [':5000', { host: undefined, port: 5000 }],
    ['0.0.0.0:443', { host: '0.0.0.0', port: 443 }],
    ['localhost:5000', { host: 'localhost', port: 5000 }],
    ['[::1]:5000', { host: '::1', port: 5000 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['5000', undefined],
    ['localhost', undefined],
    [':65536', undefined],
    [':', undefined],
    ['::1:5000', undefined],
    ['http://a:5000', undefined],
    ['a b:5000', undefined],
    ['', undefined],
  ] as const
  for (const [text, address] of rows) assert.deepEqual(parseListenAddress(text), address, text)
})
