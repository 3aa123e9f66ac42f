import assert from 'node:assert/strict'
import { it } from 'node:test'
import { getBlob } from '../../src/http/blobs.ts'
import { BufferPool } from '../../src/http/buffers.ts'
import type { GuardedContext } from '../../src/http/context.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import type { BlobPull } from '../../src/pull/blob.ts'

it('a blob is pulled as a part of it where a range is asked for', async () => {
  const asked: unknown[] = []
  const pull = {
    open: async (_repository: unknown, _digest: unknown, client: unknown) => {
      asked.push(client)
      throw new Error('nothing here')
    },
  } as unknown as BlobPull
  const route = getBlob(pull, new BufferPool(), () => {})
  for (const headers of [{}, { range: 'bytes=100-' }]) {
    const ctx = {
      params: { digest: digestOf('blob') },
      state: { client: { address: '10.0.0.1' } },
      req: { headers },
    }
    await assert.rejects(route(ctx as unknown as GuardedContext), /nothing here/)
  }
  assert.deepEqual(
    asked,
    [false, true].map((wantsPart) => ({ address: '10.0.0.1', wantsPart })),
  )
})
