import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readAdopted } from '../../src/store/adopted.ts'
import { SCHEDULER_STATE_KEY } from '../../src/store/paths.ts'
import { MemoryDriver } from '../support/memory-driver.ts'

const HEX = 'a'.repeat(64)

const read = async (text: string | undefined): Promise<string[]> => {
  const driver = new MemoryDriver()
  if (text !== undefined) driver.put(SCHEDULER_STATE_KEY, text)
  return [...(await readAdopted(driver))].sort()
}

describe('the repositories that distribution mirrored', () => {
  it('are those that its scheduler would expire, each once', async () => {
    const state = {
      [`library/alpine@sha256:${HEX}`]: { Key: 'x', ExpiryData: '2026-01-01T00:00:00Z', EntryType: 0 },
      [`library/alpine@sha256:${'b'.repeat(64)}`]: { EntryType: 1 },
      'team/app:latest': {},
    }
    assert.deepEqual(await read(JSON.stringify(state)), ['library/alpine', 'team/app'])
  })

  it('are none where the file is missing, broken or something else', async () => {
    for (const text of [undefined, '', '{', 'null', '7', '["a"]', '{"A@b":1}'])
      assert.deepEqual(await read(text), [])
  })

  it('are none where the file cannot be read', async () => {
    const driver = new MemoryDriver()
    driver.put(SCHEDULER_STATE_KEY, '{"a@b":{}}')
    driver.fail('open', 'io')
    assert.deepEqual([...(await readAdopted(driver))], [])
  })

  it('are read from a file of many entries', async () => {
    const entries = Array.from({ length: 50_000 }, (_, i) => [`team/app-${i % 100}@sha256:${i}`, {}])
    assert.equal((await read(JSON.stringify(Object.fromEntries(entries)))).length, 100)
  })
})
