import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { digestOf } from '../../src/protocol/digest.ts'
import { runEntrepot } from '../support/command.ts'
import { makeFolder, startEntrepot } from '../support/entrepot.ts'
import { startFakeAdmin } from '../support/fake-admin.ts'
import { MAIN, NODE_OPTIONS } from '../support/project.ts'

const BYTES = Buffer.from('nobody needs this any more')

describe('entrepot gc', () => {
  let root: string
  let file: string

  before(async () => {
    root = await makeFolder()
    file = join(root, 'config.yml')
    const volume = join(root, 'volume')
    await mkdir(volume)
    await writeFile(file, `{version: 0.1, storage: {filesystem: {rootdirectory: ${volume}}}}`)
    const config = { storage: { filesystem: { rootdirectory: volume }, delete: { enabled: true } } }
    const entrepot = await startEntrepot({ root: volume, config })
    const digest = digestOf(BYTES)
    const pushed = await entrepot.ask('POST', `/v2/team/app/blobs/uploads/?digest=${digest}`, {}, BYTES)
    assert.equal(pushed.status, 201)
    assert.equal((await entrepot.ask('DELETE', `/v2/team/app/blobs/${digest}`)).status, 202)
    await entrepot.stop()
  })
  after(() => rm(root, { recursive: true }))

  const gc = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, [...NODE_OPTIONS, MAIN, ...args, file])
    return stdout
  }

  it('tells what it would free, and frees nothing, with --dry-run', async () => {
    for (let run = 0; run < 2; run += 1) {
      const said = await gc('gc', '--dry-run')
      assert.match(
        said,
        new RegExp(`^${digestOf(BYTES)} ${BYTES.length}\n1 blobs, ${BYTES.length} bytes would be freed`),
      )
    }
  })

  it('frees it, by the name that the registry image has for it too', async () => {
    assert.match(await gc('garbage-collect', '-q'), new RegExp(`^1 blobs, ${BYTES.length} bytes freed`))
    assert.match(await gc('gc'), /^0 blobs, 0 bytes freed/)
    const { isDryRun, bytes } = JSON.parse(await gc('gc', '--json'))
    assert.deepEqual([isDryRun, bytes], [false, 0])
  })

  it('has the server do it that works on the volume, and refuses where that one cannot be reached', async () => {
    const volume = join(root, 'volume')
    const result = {
      isDryRun: false,
      repositories: 1,
      manifests: 2,
      links: 3,
      blobs: 4,
      bytes: 5,
      waiting: 6,
    }
    const job = {
      id: 'j',
      kind: 'gc',
      state: 'done',
      startedAt: '2026-06-01T12:00:00Z',
      progress: { done: 1, bytes: 5 },
      result,
    }
    const admin = await startFakeAdmin({ 'POST /admin/v1/gc': { status: 202, json: job } })
    const entrepot = await startEntrepot({
      root: volume,
      config: { storage: { filesystem: { rootdirectory: volume } } },
    })
    try {
      const addr = admin.url.replace('http://', '')
      await writeFile(
        file,
        `{version: 0.1, storage: {filesystem: {rootdirectory: ${volume}}}, http: {debug: {addr: '${addr}'}}}`,
      )
      assert.match(await gc('gc', '-m'), /^4 blobs, 5 bytes freed; 2 manifests and 3 links dropped/)
      assert.deepEqual(
        admin.asked.map(({ call, body }) => [call, body]),
        [['POST /admin/v1/gc', { untagged: true }]],
      )
      await admin.stop()
      const refused = await runEntrepot(['gc', file], { cwd: root })
      assert.equal(refused.code, 1)
      assert.match(
        refused.stderr,
        /^entrepot: a server works on this volume, but no server answers at .*--dry-run\n$/,
      )
    } finally {
      await entrepot.stop()
    }
  })
})
