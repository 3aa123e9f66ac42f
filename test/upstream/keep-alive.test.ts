import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { Transport } from '../../src/upstream/transport.ts'

test('one connection serves one request after the other, HEADs included', async () => {
  const ports: (number | undefined)[] = []
  const server = createServer((req, res) => {
    ports.push(req.socket.remotePort)
    res.writeHead(200, { 'content-length': 2 }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`)
  const transport = new Transport({
    remote: url,
    trustedHosts: [],
    limits: DEFAULT_LIMITS,
    environment: {},
    meter: () => {},
  })
  // undici gives a connection back one turn of the event loop after the answer's end.
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve))
  for (const method of ['HEAD', 'GET', 'HEAD', 'HEAD', 'GET'] as const) {
    const { body } = await transport.send({
      method,
      url,
      what: 'x',
      headers: {},
      headMs: 1000,
      stallMs: 1000,
    })
    for await (const _chunk of body);
    await nextTurn()
    await nextTurn()
  }
  await transport.close()
  server.close()
  assert.equal(ports.length, 5)
  assert.equal(new Set(ports).size, 1)
})
