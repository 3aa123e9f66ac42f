import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { before, describe, it } from 'node:test'
import { connect, createServer } from 'node:tls'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../src/certs/authority.ts'
import {
  describeCertificate,
  isKeyOf,
  readCertificates,
  serverCertificateProblems,
} from '../../src/certs/describe.ts'
import { readKey } from '../../src/certs/keys.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { createRequest, signRequest } from '../../src/certs/request.ts'
import { loadX509 } from '../../src/certs/x509.ts'

const DAY_MS = 86_400_000
const NOW = { days: 30, nowMs: Date.now() }
const NAMES = ['registry.example', '*.registry.example', '127.0.0.1', '::1'].map(parseSubjectName)

/** What a TLS client that trusts `authority` alone says to a server of that certificate. */
const handshake = async (authority: KeyedCertificate, server: KeyedCertificate, host: string) => {
  const listener = createServer({ key: server.key, cert: server.certificate }, (socket) => socket.end())
  listener.on('tlsClientError', () => {})
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const servername = host === '127.0.0.1' ? {} : { servername: host }
  const socket = connect({ port, host: '127.0.0.1', ca: authority.certificate, ...servername })
  try {
    await once(socket, 'secureConnect')
    return 'good'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  } finally {
    socket.destroy()
    listener.close()
    await once(listener, 'close')
  }
}

describe('a certificate authority', () => {
  let authority: KeyedCertificate
  before(async () => {
    authority = await createAuthority('Registry CA', 'ec', NOW)
  })

  it('makes itself, able to sign certificates and no further authorities', async () => {
    const { BasicConstraintsExtension, X509Certificate: Parsed } = await loadX509()
    const certificate = new X509Certificate(authority.certificate)
    assert.equal(certificate.ca, true)
    assert.equal(certificate.subject, 'CN=Registry CA')
    assert.ok(certificate.verify(certificate.publicKey))
    assert.ok(isKeyOf(certificate, authority.key))
    const constraints = new Parsed(authority.certificate).getExtension(BasicConstraintsExtension)
    assert.deepEqual([constraints?.critical, constraints?.pathLength], [true, 0])
  })

  for (const kind of ['ec', 'rsa'] as const)
    it(`signs a certificate with a key of ${kind} that TLS clients accept for its names and no other`, async () => {
      const server = await issueCertificate(authority, { commonName: 'x', names: NAMES }, kind, NOW)
      for (const host of ['registry.example', 'eu.registry.example', '127.0.0.1'])
        assert.equal(await handshake(authority, server, host), 'good', host)
      assert.equal(await handshake(authority, server, 'registry.test'), 'ERR_TLS_CERT_ALTNAME_INVALID')
      const stranger = await createAuthority('Registry CA', 'ec', NOW)
      assert.notEqual(await handshake(stranger, server, 'registry.example'), 'good')
    })

  it('names the server by subjectAltName, says it is no authority, and is valid for the days asked', async () => {
    const { certificate } = await issueCertificate(authority, { commonName: 'x', names: NAMES }, 'ec', NOW)
    const description = describeCertificate(new X509Certificate(certificate))
    assert.deepEqual(description.names, [
      'DNS:registry.example',
      'DNS:*.registry.example',
      'IP Address:127.0.0.1',
      'IP Address:0:0:0:0:0:0:0:1',
    ])
    assert.equal(description.isAuthority, false)
    assert.equal(description.issuer, 'CN=Registry CA')
    assert.equal(description.key, 'EC prime256v1')
    assert.ok(description.validFromMs < NOW.nowMs)
    assert.ok(Math.abs(description.validToMs - NOW.nowMs - 30 * DAY_MS) < 1000)
  })

  it('refuses to sign with what is no authority, and with the key of another', async () => {
    const server = await issueCertificate(authority, { commonName: 'x', names: NAMES }, 'ec', NOW)
    const subject = { commonName: 'y', names: NAMES }
    await assert.rejects(issueCertificate(server, subject, 'ec', NOW), /not that of an authority/)
    await assert.rejects(
      issueCertificate({ ...authority, key: server.key }, subject, 'ec', NOW),
      /key is not that of/,
    )
  })

  it('signs a request with the names that it asks for, or with those that are said', async () => {
    const { request, key } = await createRequest(NAMES, 'ec')
    const asked = new X509Certificate(await signRequest(authority, request, [], NOW))
    assert.deepEqual(describeCertificate(asked).names.slice(0, 2), [
      'DNS:registry.example',
      'DNS:*.registry.example',
    ])
    assert.ok(isKeyOf(asked, key))
    const said = await signRequest(authority, request, [parseSubjectName('other.example')], NOW)
    assert.deepEqual(describeCertificate(new X509Certificate(said)).names, ['DNS:other.example'])
  })

  it('makes the common name of an old request a subjectAltName', async () => {
    const x509 = await loadX509()
    const { pair, algorithm } = await readKey(authority.key)
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'CN=old.example',
      keys: pair,
      signingAlgorithm: algorithm,
    })
    const signed = await signRequest(authority, request.toString('pem'), [], NOW)
    assert.deepEqual(describeCertificate(new X509Certificate(signed)).names, ['DNS:old.example'])
  })

  it('makes no authority of a request that asks for it', async () => {
    const x509 = await loadX509()
    const { pair, algorithm } = await readKey(authority.key)
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'CN=evil.example',
      keys: pair,
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    })
    const signed = new X509Certificate(await signRequest(authority, request.toString('pem'), [], NOW))
    assert.equal(signed.ca, false)
  })

  it('refuses a request that is damaged, or names nothing', async () => {
    const { request } = await createRequest(NAMES, 'ec')
    const der = Buffer.from(request.replace(/-----[^-]+-----/g, ''), 'base64')
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
    const damaged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    await assert.rejects(signRequest(authority, damaged, [], NOW), /not signed by the key/)
    await assert.rejects(signRequest(authority, 'nonsense', [], NOW))
    const x509 = await loadX509()
    const { pair, algorithm } = await readKey(authority.key)
    const nameless = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'O=somebody',
      keys: pair,
      signingAlgorithm: algorithm,
    })
    await assert.rejects(signRequest(authority, nameless.toString('pem'), [], NOW), /names no host/)
  })
})

describe('serverCertificateProblems', () => {
  let authority: KeyedCertificate
  before(async () => {
    authority = await createAuthority('CA', 'ec', NOW)
  })

  it('finds none in a good certificate', async () => {
    const { certificate } = await issueCertificate(authority, { commonName: 'x', names: NAMES }, 'ec', NOW)
    assert.deepEqual(serverCertificateProblems(new X509Certificate(certificate), NOW.nowMs), [])
  })

  it('finds a missing subjectAltName, and a validity that is over, ends soon, or has not begun', async () => {
    const { certificate } = await issueCertificate(authority, { commonName: 'x', names: [] }, 'ec', NOW)
    const problems = (atMs: number) => serverCertificateProblems(new X509Certificate(certificate), atMs)
    assert.equal(problems(NOW.nowMs).length, 1)
    assert.match(problems(NOW.nowMs)[0] ?? '', /subjectAltName/)
    assert.match(problems(NOW.nowMs + 31 * DAY_MS)[1] ?? '', /expired on \d{4}-\d\d-\d\d/)
    assert.match(problems(NOW.nowMs + 20 * DAY_MS)[1] ?? '', /expires on/)
    assert.match(problems(NOW.nowMs - DAY_MS)[1] ?? '', /not valid before/)
  })
})

describe('parseSubjectName', () => {
  for (const [text, type, value] of [
    ['Registry.Example', 'dns', 'registry.example'],
    ['localhost', 'dns', 'localhost'],
    ['*.example.', 'dns', '*.example'],
    ['10.0.0.1', 'ip', '10.0.0.1'],
    ['[2001:db8::1]', 'ip', '2001:db8::1'],
    ['::1', 'ip', '::1'],
  ] as const)
    it(`takes ${text} for ${type}`, () => {
      assert.deepEqual(parseSubjectName(text), { type, value })
    })

  for (const text of [
    '',
    'a:5000',
    'https://a',
    'a/b',
    '10.0.1',
    '300.1.1.1',
    'a..b',
    '-a',
    'a b',
    '*',
    'a*.b',
    'x'.repeat(254),
  ])
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => parseSubjectName(text), /neither a host name nor an address/)
    })
})

describe('readKey', () => {
  it('reads the PEM forms of OpenSSL, and says what is wrong with others', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    for (const pem of [
      ec.export({ type: 'sec1', format: 'pem' }),
      ec.export({ type: 'pkcs8', format: 'pem' }),
      rsa.export({ type: 'pkcs1', format: 'pem' }),
    ])
      assert.match((await readKey(pem.toString())).pem, /BEGIN PRIVATE KEY/)
    const encrypted = rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    await assert.rejects(readKey(encrypted.toString()), /encrypted/)
    const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    await assert.rejects(readKey(ed.toString()), /RSA keys or .* P-256/)
  })
})

describe('readCertificates', () => {
  it('reads every certificate of a file, whatever else is in it', async () => {
    const authority = await createAuthority('CA', 'ec', NOW)
    const text = `comment\n${authority.key}${authority.certificate}\n${authority.certificate}`
    assert.equal(readCertificates(text).length, 2)
    assert.deepEqual(readCertificates('nothing'), [])
  })
})
