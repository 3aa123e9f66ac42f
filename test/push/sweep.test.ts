import assert from 'node:assert/strict'
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { UploadSweep } from '../../src/push/sweep.ts'
import { REPOSITORIES_PREFIX } from '../../src/store/paths.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'
import { openParts } from './parts.ts'

const HOUR_MS = 3_600_000
const NOW_MS = Date.parse('2026-11-21T12:00:00Z')

describe('unfinished pushes of docker-registry', () => {
  let root: string
  let uploads: string

  beforeEach(async () => {
    root = await makeQuickFolder()
    uploads = join(root, REPOSITORIES_PREFIX, 'old/app/_uploads')
    await leave('old', '2026-11-21T08:00:00Z')
    await leave('young', '2026-11-21T11:30:00Z')
  })
  afterEach(() => rm(root, { recursive: true }))

  /** Leaves an upload as docker-registry does. */
  const leave = async (id: string, startedAt: string): Promise<void> => {
    const folder = join(uploads, id)
    await mkdir(join(folder, 'hashstates/sha256'), { recursive: true })
    await writeFile(join(folder, 'data'), 'some bytes')
    await writeFile(join(folder, 'startedat'), startedAt)
    await writeFile(join(folder, 'hashstates/sha256/10'), 'a state of Go')
  }

  const sweep = (more: { isDryRun?: boolean } = {}) => {
    const parts = openParts(root, { now: () => NOW_MS })
    const options = { ...parts, log: silentLogger, now: () => NOW_MS, isEnabled: true, isDryRun: false }
    return new UploadSweep({ ...options, ageMs: HOUR_MS, intervalMs: HOUR_MS, ...more })
  }

  it('are removed when they are old', async () => {
    await sweep().sweep()
    assert.deepEqual(await readdir(uploads), ['young'])
  })

  it('are only told of in a dry run', async () => {
    await sweep({ isDryRun: true }).sweep()
    assert.deepEqual((await readdir(uploads)).sort(), ['old', 'young'])
  })

  it('are as old as their bytes where they do not tell when they began', async () => {
    for (const [id, text] of [
      ['old', 'nonsense'],
      ['young', ''],
    ] as const) {
      await writeFile(join(uploads, id, 'startedat'), text)
      const seconds = (NOW_MS - (id === 'old' ? 2 : 0.5) * HOUR_MS) / 1000
      await utimes(join(uploads, id, 'data'), seconds, seconds)
    }
    await sweep().sweep()
    assert.deepEqual(await readdir(uploads), ['young'])
  })

  it('are left alone where nothing at all tells how old they are', async () => {
    await rm(join(uploads, 'old/startedat'))
    await rm(join(uploads, 'old/data'))
    await sweep().sweep()
    assert.deepEqual((await readdir(uploads)).sort(), ['old', 'young'])
  })
})
