import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { connect as connectPlain, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createAuthority, issueCertificate } from '../../src/certs/authority.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { parseListenAddress } from '../../src/config/address.ts'
import { Listener, type ListenLimits } from '../../src/http/server.ts'
import { TlsFiles } from '../../src/http/tls.ts'
import { makeFolder } from '../support/entrepot.ts'

const LIMITS: ListenLimits = {
  clientStallMs: 60_000,
  requestHeaderMs: 60_000,
  keepAliveMs: 60_000,
  headerBytes: 64 * 1024,
  connections: 100,
}
const VALIDITY = { days: 1, nowMs: Date.now() }
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

let folder = ''
let ca = ''

before(async () => {
  folder = await makeFolder()
  const authority = await createAuthority('CA', 'ec', VALIDITY)
  const subject = { commonName: 'x', names: [parseSubjectName('127.0.0.1')] }
  const { certificate, key } = await issueCertificate(authority, subject, 'ec', VALIDITY)
  ca = authority.certificate
  await writeFile(join(folder, 'crt'), certificate)
  await writeFile(join(folder, 'key'), key)
})
after(() => rm(folder, { recursive: true }))

const openTls = (): Promise<TlsFiles> =>
  TlsFiles.open(
    {
      certificate: join(folder, 'crt'),
      key: join(folder, 'key'),
      clientCas: [],
      clientAuth: 'require-and-verify-client-cert',
      minVersion: 'TLSv1.2',
      ciphers: undefined,
    },
    { onWarning: () => {}, onProblem: (error) => assert.fail(error), onChange: () => {} },
  )

/** Like `once(socket, 'close')`, but an error before it is none. */
const closing = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))

/** What comes over a socket until it is closed. */
const readAll = async (socket: Socket): Promise<string> => {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  socket.on('error', () => {})
  if (!socket.closed) await closing(socket)
  return text
}

for (const isTls of [false, true])
  describe(`a listener with ${isTls ? 'TLS' : 'plain HTTP'}`, () => {
    const hello: RequestListener = (_req, res) => void res.end('hello')

    /** Runs a test against a listener with these limits. */
    const withListener = async (
      limits: Partial<ListenLimits>,
      answer: RequestListener,
      test: (dial: () => Promise<Socket>, address: string, listener: Listener) => Promise<void>,
    ): Promise<void> => {
      const listener = new Listener(answer, {
        addr: '127.0.0.1:0',
        limits: { ...LIMITS, ...limits },
        tls: isTls ? await openTls() : undefined,
      })
      const address = await listener.listen()
      const { host = '', port } = parseListenAddress(address) ?? assert.fail()
      const sockets: Socket[] = []
      const dial = async (): Promise<Socket> => {
        const socket = isTls ? connectTls({ host, port, ca }) : connectPlain({ host, port })
        sockets.push(socket)
        socket.on('error', () => {})
        await new Promise<void>((resolve) => {
          for (const event of [isTls ? 'secureConnect' : 'connect', 'close'])
            socket.once(event, () => resolve())
        })
        return socket
      }
      try {
        await test(dial, address, listener)
      } finally {
        for (const socket of sockets) socket.destroy()
        await listener.close(0)
      }
    }

    it('answers requests, several on a connection', () =>
      withListener({}, hello, async (dial) => {
        const socket = await dial()
        for (let count = 0; count < 3; count++) {
          socket.write(GET)
          assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 OK[\s\S]*hello/)
        }
      }))

    it('cuts off who does not come to the end of a header', () =>
      withListener({ requestHeaderMs: 50 }, hello, async (dial) => {
        const socket = await dial()
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
        assert.match(await readAll(socket), /^HTTP\/1\.1 408 /)
      }))

    it('cuts off who connects and says nothing', () =>
      withListener({ requestHeaderMs: 50 }, hello, async (_dial, address) => {
        const { host = '', port } = parseListenAddress(address) ?? assert.fail()
        const socket = connectPlain({ host, port })
        await readAll(socket)
      }))

    it('refuses headers that are too long', () =>
      withListener({ headerBytes: 2000 }, hello, async (dial) => {
        const socket = await dial()
        socket.write(`GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(4000)}\r\n\r\n`)
        assert.match(await readAll(socket), /^HTTP\/1\.1 431 /)
      }))

    it('closes an idle connection for a new one where there are too many', () =>
      withListener({ connections: 1 }, hello, async (dial) => {
        const idle = await dial()
        idle.write(GET)
        await once(idle, 'data')
        const closed = closing(idle)
        const next = await dial()
        await closed
        next.write(GET)
        assert.match(String((await once(next, 'data'))[0]), /hello/)
      }))

    it('turns new ones away where none is idle, and takes them again afterwards', () => {
      const open: (() => void)[] = []
      const slow: RequestListener = (_req, res) => {
        res.write('begun')
        open.push(() => res.end())
      }
      return withListener({ connections: 1 }, slow, async (dial) => {
        const busy = await dial()
        busy.write(GET)
        await once(busy, 'data')
        const refused = await dial()
        const said = await readAll(refused)
        if (!isTls) assert.match(said, /^HTTP\/1\.1 503 [\s\S]*Retry-After: 5[\s\S]*UNAVAILABLE/)
        const gone = closing(busy)
        open[0]?.()
        busy.end()
        await gone
        const next = await dial()
        next.write(GET)
        assert.match(String((await once(next, 'data'))[0]), /begun/)
        open[1]?.()
      })
    })

    it('lets what is under way end before it closes', () => {
      let end = (): void => {}
      const slow: RequestListener = (_req, res) => {
        res.write('begun')
        end = () => res.end('ended')
      }
      return withListener({}, slow, async (dial, _address, listener) => {
        const busy = await dial()
        busy.write(GET)
        await once(busy, 'data')
        const rest = readAll(busy)
        const closed = listener.close(60_000)
        end()
        await closed
        assert.match(await rest, /ended/)
      })
    })
  })
