import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import { FilesystemDriver } from '../../src/store/drivers/filesystem.ts'
import { bucketOf, useKey } from '../../src/store/paths.ts'
import { UseStore } from '../../src/store/uses.ts'
import { listFolder, makeFolder } from '../support/entrepot.ts'
import fc from '../support/fast-check.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DIGESTS = Array.from({ length: 12 }, (_, i) => digestOf(`blob ${i}`))
const [FIRST, SECOND] = DIGESTS as [Digest, Digest]

describe('the uses of blobs', () => {
  let root: string
  let nowMs: number
  let uses: UseStore

  const open = (): UseStore => new UseStore(new FilesystemDriver(root), silentLogger, () => nowMs)
  const lastUse = async (digest: Digest): Promise<number | undefined> =>
    (await uses.read(bucketOf(digest))).get(digest)?.usedAtMs

  beforeEach(async () => {
    root = await makeFolder()
    nowMs = 1_900_000_000_000
    uses = open()
  })
  afterEach(() => rm(root, { recursive: true }))

  it('are known exactly in the process that saw them', async () => {
    uses.note(FIRST)
    nowMs += 1234
    uses.note(FIRST)
    assert.equal(await lastUse(FIRST), nowMs)
    assert.equal(await lastUse(SECOND), undefined)
  })

  it('outlive it, to a minute or two', async () => {
    uses.note(FIRST)
    nowMs += 30 * MINUTE_MS
    uses.note(FIRST)
    await uses.stop()
    uses = open()
    const found = (await lastUse(FIRST)) ?? 0
    assert.ok(found <= nowMs && found > nowMs - 2 * MINUTE_MS, `${nowMs - found} ms off`)
  })

  it('are written once an hour for one blob, however often it is used', async () => {
    uses.note(FIRST)
    await uses.flush()
    const file = join(root, useKey(bucketOf(FIRST)))
    const written = await readFile(file, 'utf8')
    nowMs += HOUR_MS - 1
    uses.note(FIRST)
    await uses.flush()
    assert.equal(await readFile(file, 'utf8'), written)
    nowMs += 1
    uses.note(FIRST)
    await uses.flush()
    assert.notEqual(await readFile(file, 'utf8'), written)
  })

  it('keep what a blob is, and where it came from', async () => {
    uses.note(FIRST, { upstream: 'docker.io' })
    uses.note(FIRST, { kind: 'layer' })
    uses.describe(SECOND, { kind: 'document' })
    await uses.flush()
    nowMs += 2 * HOUR_MS
    uses.note(FIRST)
    await uses.stop()
    uses = open()
    const first = (await uses.read(bucketOf(FIRST))).get(FIRST)
    assert.deepEqual([first?.kind, first?.upstream], ['layer', 'docker.io'])
    assert.equal((await uses.read(bucketOf(SECOND))).get(SECOND)?.kind, 'document')
  })

  it('take a table for what can be read of it', async () => {
    uses.note(FIRST)
    await uses.flush()
    const file = join(root, useKey(bucketOf(FIRST)))
    await writeFile(file, `garbage\n${await readFile(file, 'utf8')}0123 zz l`)
    uses = open()
    assert.equal(await lastUse(FIRST), nowMs - (nowMs % MINUTE_MS))
  })

  it('of blobs that are none any more are forgotten', async () => {
    for (const digest of DIGESTS) uses.note(digest)
    await uses.flush()
    uses = open()
    await uses.retain(bucketOf(FIRST), (hex) => hex !== FIRST.slice(7))
    assert.equal(await lastUse(FIRST), undefined)
    assert.notEqual(await lastUse(SECOND), undefined)
  })

  it('are nothing that a store which cannot be written could fail for', async () => {
    const file = join(root, 'no-folder')
    await writeFile(file, '')
    uses = new UseStore(new FilesystemDriver(file), silentLogger, () => nowMs)
    uses.note(FIRST)
    await uses.stop()
    assert.equal(await lastUse(FIRST), nowMs)
  })

  it('are told to who watches, until he has seen enough', () => {
    const seen: Digest[] = []
    const end = uses.watch((digest) => seen.push(digest))
    uses.note(FIRST)
    uses.note(FIRST)
    end()
    uses.note(SECOND)
    assert.deepEqual(seen, [FIRST, FIRST])
  })

  it('are those of a model, whatever is noted, written and restarted', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('note'), i: fc.nat(DIGESTS.length - 1) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait'), i: fc.nat(3 * HOUR_MS) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush'), i: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart'), i: fc.constant(0) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await rm(join(root, 'entrepot'), { recursive: true, force: true })
        uses = open()
        const model = new Map<Digest, number>()
        const lives = new Map<Digest, UseStore>()
        for (const { kind, i } of steps) {
          if (kind === 'wait') nowMs += i
          else if (kind === 'flush') await uses.flush()
          else if (kind === 'restart') {
            await uses.stop()
            uses = open()
          } else {
            const digest = DIGESTS[i]!
            uses.note(digest)
            model.set(digest, nowMs)
            lives.set(digest, uses)
          }
        }
        for (const digest of DIGESTS) {
          const [found, expected] = [await lastUse(digest), model.get(digest)]
          if (expected === undefined || lives.get(digest) === uses) assert.equal(found, expected)
          else assert.ok(found !== undefined && found <= expected && found > expected - 2 * MINUTE_MS)
        }
      }),
      { numRuns: 50 },
    )
    assert.deepEqual(await listFolder(root, 'entrepot/tmp'), [])
  })
})
