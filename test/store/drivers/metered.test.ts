import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { createMetrics } from '../../../src/observe/metrics.ts'
import { type StorageDriver, StorageError } from '../../../src/store/driver.ts'
import { FilesystemDriver } from '../../../src/store/drivers/filesystem.ts'
import { meterDriver } from '../../../src/store/drivers/metered.ts'
import { makeFolder } from '../../support/entrepot.ts'
import { Exposition } from '../../support/exposition.ts'

describe('a metered driver', () => {
  it('does what the driver does, and times it under the words of distribution', async () => {
    const root = await makeFolder()
    const metrics = createMetrics()
    const driver = meterDriver(new FilesystemDriver(root), 'filesystem', metrics)
    await driver.write('a/b', 'text')
    await driver.writeLazily('a/c', 'more')
    assert.equal((await driver.read('a/b'))?.toString(), 'text')
    assert.equal((await driver.stat('a/c'))?.sizeBytes, 4)
    assert.deepEqual(await driver.list('a'), ['b', 'c'])
    await driver.remove('a/b')
    assert.equal(await driver.read('a/b'), undefined)
    assert.ok(((await driver.usage())?.totalBytes ?? 0) > 0)
    const shown = new Exposition(await metrics.scrape.text())
    const count = (action: string) =>
      shown.find('registry_storage_action_seconds_count', { driver: 'filesystem', action })
    const actions = ['PutContent', 'GetContent', 'Stat', 'List', 'Delete', 'Move']
    assert.deepEqual(actions.map(count), [2, 2, 1, 1, 1, undefined])
    await rm(root, { recursive: true })
  })

  it('fails as the driver fails, and times that, too', async () => {
    const metrics = createMetrics()
    const failure = new StorageError('io', 'the disk is gone')
    const broken = { stat: () => Promise.reject(failure) } as unknown as StorageDriver
    await assert.rejects(meterDriver(broken, 'broken', metrics).stat('a'), failure)
    const shown = new Exposition(await metrics.scrape.text())
    assert.equal(shown.sum('registry_storage_action_seconds_count', { driver: 'broken', action: 'Stat' }), 1)
  })

  it('lets everything else of a driver through', () => {
    class Other {
      readonly kind = 'other'
      readonly #secret = 'kept'
      tell(): string {
        return this.#secret
      }
    }
    const driver = new Other()
    const metered = meterDriver(
      driver as unknown as StorageDriver,
      'other',
      createMetrics(),
    ) as unknown as Other
    assert.deepEqual([metered.kind, metered.tell()], ['other', 'kept'])
  })
})
