import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { seededBytes } from '../support/bytes.ts'
import { failsWith, withUpstream } from './client.ts'

const BLOB = seededBytes(300_000)

test(
  'what came of a blob before it was cut is given out, then the failure',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    for (const dropAt of [0, 1, 1000, 65_536, 299_999]) {
      hub.fault('blob', { dropAt })
      const { body } = await upstream.blob('a', digest)
      const chunks: Buffer[] = []
      const reading = (async () => {
        for await (const chunk of body) chunks.push(chunk)
      })()
      const error = await failsWith(reading, 'unreachable')
      assert.match(
        error.message,
        /^hub, blob sha256:[0-9a-f]{64} of a: 127\.0\.0\.1:\d+ broke off: the connection was cut$/,
      )
      assert.deepEqual(Buffer.concat(chunks), BLOB.subarray(0, dropAt), `cut at ${dropAt}`)
    }
  }),
)

test(
  'a blob that nobody reads when it is cut ends no process, and fails when it is read',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { dropAt: 0 })
    const { body } = await upstream.blob('a', digest)
    await new Promise((resolve) => body.once('close', resolve))
    await failsWith(buffer(body), 'unreachable')
  }),
)

test(
  'a blob of fewer bytes than announced fails at its end',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { headers: { 'content-length': String(BLOB.length + 1) } })
    const { body, sizeBytes } = await upstream.blob('a', digest)
    assert.equal(sizeBytes, BLOB.length + 1)
    await failsWith(buffer(body), 'unreachable')
  }),
)

test(
  'the size of a blob without Content-Length is not known',
  withUpstream({}, {}, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { omit: ['content-length'] })
    const { body, sizeBytes } = await upstream.blob('a', digest)
    assert.equal(sizeBytes, undefined)
    assert.deepEqual(await buffer(body), BLOB)
  }),
)

test(
  'a blob that stands still while it is read has stalled',
  withUpstream({}, { limits: { stallMs: 50 } }, async ({ hub, upstream }) => {
    const { digest } = hub.addBlob('a', BLOB)
    hub.fault('blob', { hangAt: 1000 })
    const { body } = await upstream.blob('a', digest)
    const error = await failsWith(buffer(body), 'timeout')
    assert.match(error.message, /stopped sending/)
  }),
)
