import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../src/certs/authority.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { seededBytes } from '../support/bytes.ts'
import { failsWith, ref, withUpstream } from './client.ts'

/** A real forward proxy: absolute URLs for plain HTTP, tunnels for TLS. */
const startProxy = async () => {
  const seen: string[] = []
  const authorizations = new Set<string | undefined>()
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    seen.push(`${req.method} ${req.url}`)
    authorizations.add(req.headers['proxy-authorization'])
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = req.headers
    const onward = request(req.url ?? '', { method: req.method, headers, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
  server.on('connection', track)
  server.on('connect', (req: IncomingMessage, socket: Socket) => {
    seen.push(`CONNECT ${req.url}`)
    authorizations.add(req.headers['proxy-authorization'])
    const [host = '', port] = (req.url ?? '').split(':')
    const onward = track(
      connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        onward.pipe(socket)
        socket.pipe(onward)
      }),
    )
    onward.once('close', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { host, seen, authorizations, close }
}

describe('a proxy', () => {
  let authority: KeyedCertificate
  let tls: KeyedCertificate

  before(async () => {
    const validity = { days: 30, nowMs: Date.now() }
    authority = await createAuthority('CA', 'ec', validity)
    const names = [parseSubjectName('127.0.0.1')]
    tls = await issueCertificate(authority, { commonName: 'x', names }, 'ec', validity)
  })

  it('is asked for plain http by absolute URL, with its account, redirects included', async () => {
    const proxy = await startProxy()
    const url = `http://user:p%40ss@${proxy.host}`
    await withUpstream({ tokens: {}, redirect: {} }, { proxy: url }, async ({ hub, upstream }) => {
      const { digest } = hub.addBlob('a', seededBytes(100_000))
      assert.deepEqual(await buffer((await upstream.blob('a', digest)).body), seededBytes(100_000))
      assert.equal(proxy.seen.length, 4)
      assert.equal(proxy.seen[0], `GET ${hub.url}/v2/a/blobs/${digest}`)
      assert.ok(proxy.seen[3]?.startsWith(`GET ${hub.cdnUrl}/cdn/a/`))
      assert.deepEqual([...proxy.authorizations], [`Basic ${Buffer.from('user:p@ss').toString('base64')}`])
      assert.ok(hub.requests.every(({ headers }) => headers['proxy-authorization'] === undefined))
    })()
    await proxy.close()
  })

  it('tunnels https, and the upstream is verified behind it', async () => {
    const proxy = await startProxy()
    const options = { proxy: `http://${proxy.host}` }
    await withUpstream({ tls }, { ...options, ca: authority.certificate }, async ({ hub, upstream }) => {
      const { manifest } = hub.addImage('a', '1')
      assert.equal((await upstream.manifest('a', ref('1'))).digest, manifest.digest)
      assert.deepEqual(proxy.seen, [`CONNECT ${hub.host}`])
    })()
    await withUpstream({ tls }, options, async ({ upstream }) => {
      const error = await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
      assert.match(error.message, /certificate is not trusted/)
    })()
    await proxy.close()
  })

  it('that is not there makes the upstream unreachable', () =>
    withUpstream({}, { proxy: 'http://127.0.0.1:1' }, async ({ hub, upstream }) => {
      await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
      assert.equal(hub.requests.length, 0)
    })())

  it('that refuses the tunnel makes the upstream unreachable', () =>
    withUpstream({ tls }, {}, async ({ hub }) => {
      const proxy = createServer()
      proxy.on('connect', (_req, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
      proxy.listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
      await withUpstream({}, { proxy: url, remoteurl: hub.url }, async ({ upstream }) => {
        await failsWith(upstream.manifest('a', ref('1')), 'unreachable')
      })()
      proxy.close()
    })())
})
