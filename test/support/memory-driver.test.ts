import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeDriver } from '../store/driver-contract.ts'
import { MemoryDriver } from './memory-driver.ts'

describeDriver('the memory driver', async () => ({ driver: new MemoryDriver(), close: async () => {} }))

describe('the memory driver', () => {
  it('fails as it is told, and keeps what it had', async () => {
    const driver = new MemoryDriver()
    await driver.write('a', 'content')
    driver.fail('write', 'full')
    await assert.rejects(driver.write('a', 'other'), { name: 'StorageError', kind: 'full' })
    driver.fail('write', undefined)
    assert.equal((await driver.read('a'))?.toString(), 'content')
  })
})
