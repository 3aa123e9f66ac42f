import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../src/certs/authority.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { type ClientAuth, TlsFiles, type TlsOptions } from '../../src/http/tls.ts'

const VALIDITY = { days: 30, nowMs: Date.now() }
const LOOPBACK = { commonName: 'x', names: [parseSubjectName('127.0.0.1')] }

describe('TlsFiles', () => {
  let folder = ''
  let authority: KeyedCertificate
  let other: KeyedCertificate
  let first: KeyedCertificate
  let second: KeyedCertificate
  let count = 0
  const ends: (() => void)[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-tls-'))
    authority = await createAuthority('CA', 'ec', VALIDITY)
    other = await createAuthority('Other CA', 'ec', VALIDITY)
    first = await issueCertificate(authority, LOOPBACK, 'ec', VALIDITY)
    second = await issueCertificate(authority, LOOPBACK, 'rsa', { ...VALIDITY, days: 60 })
  })
  after(async () => {
    for (const end of ends) end()
    await rm(folder, { recursive: true })
  })

  const setUp = async (given: Partial<TlsOptions> = {}, pair = first) => {
    const id = count++
    const certificate = join(folder, `${id}.crt`)
    const key = join(folder, `${id}.key`)
    const clientCa = join(folder, `${id}.ca`)
    const write = async ({ certificate: cert, key: pem }: KeyedCertificate) => {
      await writeFile(certificate, cert)
      await writeFile(key, pem)
    }
    await write(pair)
    await writeFile(clientCa, authority.certificate)
    const clock = { nowMs: 0 }
    const told = { warnings: [] as string[], problems: [] as string[], expiries: [] as number[] }
    const tls = await TlsFiles.open(
      {
        certificate,
        key,
        clientCas: given.clientAuth === undefined ? [] : [clientCa],
        clientAuth: 'require-and-verify-client-cert',
        minVersion: 'TLSv1.2',
        ciphers: undefined,
        ...given,
      },
      {
        onWarning: (message) => told.warnings.push(message),
        onProblem: (error) => told.problems.push(error.message),
        onChange: (ms) => told.expiries.push(ms),
      },
      () => clock.nowMs,
    )
    const look = () => {
      clock.nowMs += 1000
      return tls.check()
    }
    const server = createServer(tls.serverOptions, (_req, res) => res.end('hello'))
    server.on('tlsClientError', () => {})
    tls.attach(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(() => {
      tls.close()
      server.closeAllConnections()
      server.close()
    })
    return { tls, server, write, told, look, certificate, key }
  }

  const dial = async (server: Server, options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', ca: authority.certificate, ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  /** The answer to a request, or the code of what went wrong. */
  const ask = async (server: Server, options: ConnectionOptions = {}): Promise<string> => {
    try {
      const socket = await dial(server, options)
      socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      let text = ''
      for await (const chunk of socket) text += chunk
      return text.includes('hello') ? 'hello' : `closed ${text}`
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }

  const serialOf = async (server: Server): Promise<string | undefined> => {
    const socket = await dial(server)
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }

  it('serves with a certificate that clients accept, and says when it expires', async () => {
    const { tls, server, told } = await setUp()
    assert.equal(await ask(server), 'hello')
    assert.ok(Math.abs(tls.expiresAtMs - VALIDITY.nowMs - 30 * 86_400_000) < 1000)
    assert.deepEqual(told, { warnings: [], problems: [], expiries: [] })
  })

  it('takes changed files up without touching open connections', async () => {
    const { tls, server, write, told, look } = await setUp()
    const open = await dial(server)
    const before = await serialOf(server)
    await write(second)
    await look()
    assert.notEqual(await serialOf(server), before)
    assert.ok(Math.abs((told.expiries.at(-1) ?? 0) - VALIDITY.nowMs - 60 * 86_400_000) < 1000)
    assert.equal(tls.expiresAtMs, told.expiries.at(-1))
    open.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of open) text += chunk
    assert.match(text, /hello/)
  })

  it('keeps what it has while new files are broken, and says so once for each change', async () => {
    const { server, write, told, look, certificate, key } = await setUp()
    const before = await serialOf(server)
    const problem = async (change: () => Promise<void>): Promise<string> => {
      const known = told.problems.length
      await change()
      await look()
      await look()
      assert.equal(told.problems.length, known + 1)
      assert.equal(await serialOf(server), before)
      return told.problems.at(-1) ?? ''
    }
    assert.match(await problem(() => writeFile(certificate, second.certificate)), /\.key is not the key of/)
    assert.match(await problem(() => writeFile(certificate, 'nonsense')), /\.crt holds no certificate/)
    assert.match(await problem(() => write({ ...first, key: 'nonsense' })), /\.key holds no private key/)
    assert.match(await problem(() => rm(key)), /ENOENT/)
    await write(second)
    await look()
    assert.notEqual(await serialOf(server), before)
  })

  it('refuses to begin with files that make no sense', async () => {
    await assert.rejects(setUp({}, { ...first, key: second.key }), /\.key is not the key of/)
    await assert.rejects(setUp({}, { ...first, certificate: '' }), /\.crt holds no certificate/)
    await assert.rejects(setUp({ ciphers: 'NO_SUCH_CIPHER' }))
    await assert.rejects(setUp({ clientCas: [join(folder, 'none')] }), /ENOENT/)
    const empty = join(folder, 'empty')
    await writeFile(empty, '')
    await assert.rejects(setUp({ clientCas: [empty] }), /empty holds no certificate/)
  })

  it('warns of a certificate that clients will refuse', async () => {
    const nameless = await issueCertificate(authority, { commonName: 'x', names: [] }, 'ec', VALIDITY)
    assert.match((await setUp({}, nameless)).told.warnings.join(), /subjectAltName/)
    const expired = await issueCertificate(authority, LOOPBACK, 'ec', {
      days: 1,
      nowMs: VALIDITY.nowMs - 2 * 86_400_000,
    })
    const { server, told } = await setUp({}, expired)
    assert.match(told.warnings.join(), /expired on/)
    assert.equal(await ask(server), 'CERT_HAS_EXPIRED')
  })

  describe('asks clients for certificates', () => {
    const ours = () => issueCertificate(authority, { commonName: 'client', names: [] }, 'ec', VALIDITY)
    const theirs = () => issueCertificate(other, { commonName: 'client', names: [] }, 'ec', VALIDITY)

    for (const [clientAuth, expected] of [
      ['request-client-cert', [true, true, true]],
      ['require-any-client-cert', [false, true, true]],
      ['verify-client-cert-if-given', [true, false, true]],
      ['require-and-verify-client-cert', [false, false, true]],
    ] as const satisfies readonly (readonly [ClientAuth, readonly boolean[]])[])
      it(`${clientAuth}: without, with a stranger's, with a good one`, async () => {
        const { server } = await setUp({ clientAuth })
        const answers: boolean[] = []
        for (const pair of [undefined, await theirs(), await ours()]) {
          const options = pair === undefined ? {} : { cert: pair.certificate, key: pair.key }
          answers.push((await ask(server, options)) === 'hello')
        }
        assert.deepEqual(answers, expected)
      })

    it('not at all without authorities, whatever the mode', async () => {
      const { server } = await setUp({ clientAuth: 'require-any-client-cert', clientCas: [] })
      assert.equal(await ask(server), 'hello')
    })
  })

  it('speaks the oldest version that is allowed, and none older', async () => {
    for (const [minVersion, client, isSpoken] of [
      ['TLSv1.2', 'TLSv1.1', false],
      ['TLSv1.2', 'TLSv1.2', true],
      ['TLSv1.2', 'TLSv1.3', true],
      ['TLSv1.3', 'TLSv1.2', false],
      ['TLSv1.3', 'TLSv1.3', true],
    ] as const) {
      const { server } = await setUp({ minVersion })
      const answer = await ask(server, {
        minVersion: client,
        maxVersion: client,
        ciphers: 'DEFAULT:@SECLEVEL=0',
      })
      assert.equal(answer === 'hello', isSpoken, `${minVersion} ${client} ${answer}`)
    }
  })

  it('keeps to the suites that are named, and leaves TLS 1.3 alone', async () => {
    const { server } = await setUp({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
    const cipherOf = async (options: ConnectionOptions) => {
      const socket = await dial(server, options)
      const cipher = socket.getCipher().name
      socket.destroy()
      return cipher
    }
    assert.equal(await cipherOf({ maxVersion: 'TLSv1.2' }), 'ECDHE-ECDSA-AES256-GCM-SHA384')
    assert.match(await cipherOf({}), /^TLS_/)
    assert.notEqual(
      await ask(server, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
      'hello',
    )
  })
})
