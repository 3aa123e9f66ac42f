import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import {
  type ConnectorOptions,
  ConnectTimeoutError,
  createConnector,
  ForbiddenAddressError,
} from '../../src/upstream/connector.ts'

describe('a connection', () => {
  const sockets = new Set<Socket>()
  let server: Server
  let port = ''

  before(async () => {
    // It takes connections and never says a word.
    server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}))
      socket.once('close', () => sockets.delete(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = String((server.address() as AddressInfo).port)
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })

  const open = (protocol: string, hostname: string, options: Partial<ConnectorOptions>): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const connect = createConnector({ connectAddressMs: 5000, connectMs: 15_000, ...options })
      connect({ protocol, hostname, host: hostname, port }, (error, socket) =>
        error === null ? resolve(socket as Socket) : reject(error),
      )
    })

  const lookup: ConnectorOptions['lookup'] = (_hostname, _options, callback) =>
    callback(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ])

  it('goes to the next address where one fails, and tells the one it has', async () => {
    const addresses: string[] = []
    const socket = await open('http:', 'x.example', {
      lookup,
      onConnect: (_hostname, address) => addresses.push(address),
    })
    assert.deepEqual(addresses, ['127.0.0.1'])
    socket.destroy()
  })

  it('goes to allowed addresses alone', async () => {
    const tried: string[] = []
    const isAllowed = (address: string) => {
      tried.push(address)
      return address === '127.0.0.1'
    }
    const socket = await open('http:', 'x.example', { lookup, isAllowed })
    assert.deepEqual([tried, socket.remoteAddress], [['::1', '127.0.0.1'], '127.0.0.1'])
    socket.destroy()
    await assert.rejects(
      open('http:', 'x.example', { lookup, isAllowed: () => false }),
      ForbiddenAddressError,
    )
    await assert.rejects(open('http:', '127.0.0.1', { isAllowed: () => false }), ForbiddenAddressError)
  })

  it('is given up when TLS does not come about in time', async () => {
    await assert.rejects(open('https:', '127.0.0.1', { connectMs: 30 }), ConnectTimeoutError)
  })

  it('that ends before TLS came about has failed', async () => {
    const opening = open('https:', '127.0.0.1', {})
    const [socket] = (await once(server, 'connection')) as [Socket]
    socket.destroy()
    await assert.rejects(opening)
  })
})
