import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { BufferPool } from '../../src/http/buffers.ts'
import { CommonHeaders } from '../../src/http/common-headers.ts'
import type { Context } from '../../src/http/context.ts'
import { sendBlob } from '../../src/http/send.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import type { OpenBlob } from '../../src/pull/open-blob.ts'
import { seededBytes } from '../support/bytes.ts'

const BYTES = seededBytes(200_000)
const DIGEST = digestOf(BYTES)

/** A blob of which `sound` bytes can be read, at once, and no more. */
const brokenBlob = (sound: number): OpenBlob => ({
  digest: DIGEST,
  sizeBytes: BYTES.length,
  read: async (buffer, position, length) => {
    if (position >= sound) throw new Error('broken off')
    return BYTES.copy(buffer, 0, position, Math.min(position + length, sound))
  },
  close: async () => {},
})

it('a blob that breaks off at once is answered as far as it goes, head first, and is cut off there', async (test) => {
  const pool = new BufferPool()
  const failures: unknown[] = []
  const server = createServer((req, res) => {
    const ctx = { req, res, state: { common: new CommonHeaders({}) } } as unknown as Context
    const sent = { digest: DIGEST, blob: brokenBlob(10_000), openAhead: () => undefined }
    sendBlob(ctx, sent, pool).catch((error: unknown) => {
      failures.push(error)
      res.destroy()
    })
  }).listen(0, '127.0.0.1')
  test.after(() => server.close())
  await once(server, 'listening')
  const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  await assert.rejects(async () => {
    for await (const chunk of answer) chunks.push(chunk as Buffer)
  })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['content-length'], String(BYTES.length))
  assert.deepEqual(Buffer.concat(chunks), BYTES.subarray(0, 10_000))
  assert.match(String(failures), /broken off/)
})
