/** A disk that is full: a push is refused, leaves nothing behind, and what was acknowledged stays. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { codeOf, locationOf, Pusher, withDigest } from '../http/pusher.ts'
import { seededBytes } from '../support/bytes.ts'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'

const DISK_BYTES = 40_000_000
const NAME = 'team/app'
const SMALL = seededBytes(5_000_000, 'small')
const LARGE = seededBytes(60_000_000, 'large')

const isRoot = process.getuid?.() === 0
if (!isRoot && process.env.CI) throw new Error('CI must run every end-to-end test, but only root can mount')

describe('a push to a full disk', {
  skip: isRoot ? false : 'only root can mount a small file system',
  timeout: 60_000,
}, () => {
  let root: string
  let entrepot: TestEntrepot
  let pusher: Pusher

  beforeEach(async () => {
    root = await makeFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', root])
    entrepot = await startEntrepot({ root })
    pusher = new Pusher(entrepot)
    await pusher.blob(NAME, SMALL)
  })
  afterEach(async () => {
    await entrepot.stop()
    execFileSync('umount', [root])
    rmdirSync(root)
  })

  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(root)
    return bavail * bsize
  }

  /** The ways to push, each with what it has stored before the disk is full. */
  const ways: readonly [
    way: string,
    storedBytes: number,
    push: () => Promise<[string, number, string | undefined]>,
  ][] = [
    [
      'by one POST',
      0,
      async () => {
        const path = `/v2/${NAME}/blobs/uploads/?digest=${digestOf(LARGE)}`
        const answer = await entrepot.ask('POST', path, {}, LARGE)
        return ['', answer.status, codeOf(answer)]
      },
    ],
    [
      'by one PUT',
      0,
      async () => {
        const start = await pusher.start(NAME)
        const answer = await entrepot.ask('PUT', withDigest(start, digestOf(LARGE)), {}, LARGE)
        return [start, answer.status, codeOf(answer)]
      },
    ],
    [
      'by a second PATCH',
      1_000_000,
      async () => {
        const first = await entrepot.ask('PATCH', await pusher.start(NAME), {}, LARGE.subarray(0, 1_000_000))
        const answer = await entrepot.ask('PATCH', locationOf(first), {}, LARGE.subarray(1_000_000))
        return [locationOf(first), answer.status, codeOf(answer)]
      },
    ],
  ]
  for (const [way, storedBytes, push] of ways)
    it(`${way} is refused with 507, and gives its space back`, async () => {
      const before = await freeBytes()
      const [location, status, code] = await push()
      assert.deepEqual([status, code], [507, 'UNKNOWN'])
      // Folders and notes are small.
      assert.ok(before - (await freeBytes()) < storedBytes + 100_000)
      if (location !== '')
        assert.equal((await entrepot.get(location)).headers.range, `0-${Math.max(0, storedBytes - 1)}`)
      assert.deepEqual((await entrepot.get(`/v2/${NAME}/blobs/${digestOf(SMALL)}`)).body, SMALL)
      await pusher.blob(NAME, seededBytes(5_000_000, 'next'))
    })
})
