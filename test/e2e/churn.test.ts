/** 16 who push and delete, 16 who pull, a garbage collection every second: nothing acknowledged is lost. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { Agent, request } from 'undici'
import { churn } from '../support/churn/churn.ts'
import type { Ask } from '../support/churn/wire.ts'
import { COLLECTING } from './support/collecting.ts'
import { type Entrepot, MAIN, startEntrepot } from './support/entrepot.ts'
import { cleanEnvironment } from './support/environment.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const DURATION_MS = Number(process.env.ENTREPOT_CHURN_MS ?? 60_000)
const SEED = Number(process.env.ENTREPOT_CHURN_SEED ?? 1)
const EVERY_MS = 1000
const GRACE_MS = 3000

describe('a registry in constant change, collected every second', { timeout: DURATION_MS + 300_000 }, () => {
  let workspace: Workspace
  let entrepot: Entrepot
  const agent = new Agent({ connections: 64, pipelining: 1 })

  before(async () => {
    workspace = await makeWorkspace()
    entrepot = await startEntrepot(workspace, {
      run: { script: COLLECTING, args: [`${EVERY_MS}`, `${GRACE_MS}`] },
    })
  })
  after(async () => {
    await agent.close()
    await workspace.remove()
  })

  const ask: Ask = async (method, path, headers = {}, body) => {
    const url = `http://${entrepot.address}${path}`
    const answer = await request(url, { method, headers, body: body ?? null, dispatcher: agent })
    const bytes = Buffer.from(await answer.body.arrayBuffer())
    return { status: answer.statusCode, headers: answer.headers, body: bytes, isCut: false }
  }

  it('loses nothing that it acknowledged, answers no 5xx, and frees all that was deleted', async () => {
    const root = entrepot.rootDirectory
    const { pulled } = await churn({ ask, root, durationMs: DURATION_MS, graceMs: GRACE_MS, seed: SEED })
    assert.ok(pulled > 0)
    await entrepot.stop()
    const env = cleanEnvironment(workspace.path)
    const report = execFileSync(process.execPath, [MAIN, 'gc', '--dry-run', entrepot.configFile], { env })
    assert.match(report.toString(), /^0 blobs, 0 bytes would be freed; 0 manifests /)
  })
})
