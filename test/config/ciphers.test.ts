import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext, getCiphers } from 'node:tls'
import { CIPHER_SUITES, type CipherSuite, formatCiphers } from '../../src/config/ciphers.ts'

test('every cipher suite has a name that OpenSSL knows', () => {
  const known = new Set(getCiphers())
  for (const name of Object.values(CIPHER_SUITES)) assert.ok(known.has(name.toLowerCase()), name)
})

test('a choice of suites is one that a TLS server takes', () => {
  const suites = Object.keys(CIPHER_SUITES) as CipherSuite[]
  assert.doesNotThrow(() => createSecureContext({ ciphers: formatCiphers(suites) ?? '' }))
  assert.equal(formatCiphers([]), undefined)
})
