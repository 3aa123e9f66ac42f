import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInNetwork, mayLeadTo, type Zone, zoneOf, zoneOfHost } from '../../src/upstream/address.ts'
import fc from '../support/fast-check.ts'

const ZONES: Readonly<Record<Zone, readonly string[]>> = {
  public: ['1.1.1.1', '8.8.8.8', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101'],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '224.0.0.1',
    '255.255.255.255',
    'not an address',
  ],
  own: ['127.0.0.1', '127.8.8.8', '0.0.0.0', '169.254.169.254', '::1', '::', 'fe80::1', '::ffff:127.0.0.1'],
}

for (const [zone, addresses] of Object.entries(ZONES))
  test(`${addresses.join(', ')} are ${zone}`, () => {
    for (const address of addresses) assert.equal(zoneOf(address), zone, address)
  })

test('every IPv4 address has the same zone when it is mapped into IPv6', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => zoneOf(address) === zoneOf(`::ffff:${address}`)))
})

test('no text makes the reading of an address fail', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV6()), (text) => typeof zoneOf(text) === 'string'))
})

const hosts = [
  ['localhost', 'own'],
  ['x.localhost', 'own'],
  ['[::1]', 'own'],
  ['10.1.2.3', 'private'],
  ['docker.io', 'public'],
  ['registry.lan', 'public'],
] as const

for (const [host, zone] of hosts)
  test(`the host ${host} counts as ${zone}`, () => assert.equal(zoneOfHost(host), zone))

test('a server may lead outwards and sideways, never further in', () => {
  const order: Zone[] = ['public', 'private', 'own']
  for (const [i, from] of order.entries())
    for (const [j, to] of order.entries()) assert.equal(mayLeadTo(from, to), j <= i, `${from} to ${to}`)
})

const networks = [
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['::ffff:10.1.2.3', '10.0.0.0/8', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.4', false],
  ['fd00::1', 'fd00::/8', true],
  ['10.1.2.3', 'fd00::/8', false],
  ['10.1.2.3', 'storage.lan', false],
  ['storage.lan', '10.0.0.0/8', false],
] as const

for (const [address, network, isIn] of networks)
  test(`${address} is ${isIn ? '' : 'not '}in ${network}`, () =>
    assert.equal(isInNetwork(address, network), isIn))
