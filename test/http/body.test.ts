import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { readBody } from '../../src/http/body.ts'
import { RegistryError } from '../../src/protocol/error.ts'

const MAX_BYTES = 10
const TIMEOUT_MS = 50

describe('readBody', () => {
  /** What came of the last body. */
  let outcome: Promise<string>
  const server = createServer((req, res) => {
    outcome = readBody(req, MAX_BYTES, () => new RegistryError('SIZE_INVALID'), TIMEOUT_MS).then(
      (body) => body.toString(),
      (error: Error) => error.message,
    )
    void outcome.then((text) => res.end(text))
  })

  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const send = (headers: Record<string, string | number> = {}) => {
    const { port } = server.address() as AddressInfo
    const req = request({ port, method: 'POST', headers, agent: false })
    req.on('error', () => {})
    return req
  }

  it('reads a body that says its length, and one that does not', async () => {
    for (const headers of [{ 'Content-Length': 5 }, {}]) {
      const req = send(headers)
      req.end('hello')
      await once(req, 'response')
      assert.equal(await outcome, 'hello')
    }
  })

  it('refuses a longer one by its length, or as soon as it is too long', async () => {
    for (const headers of [{ 'Content-Length': 11 }, {}]) {
      const req = send(headers)
      req.write('hello world')
      await once(req, 'response')
      assert.match(await outcome, /length/)
      req.destroy()
    }
  })

  it('cuts off one that does not come to its end', async () => {
    const req = send()
    req.write('hello')
    await new Promise((resolve) => req.once('close', resolve))
    assert.equal(await outcome, 'the body of a request took too long')
  })
})
