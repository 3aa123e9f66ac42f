/** A registry in constant change, collected all the time: the same for a minute is in `test/e2e`. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { it } from 'node:test'
import { churn } from '../support/churn/churn.ts'
import type { Ask } from '../support/churn/wire.ts'
import { startEntrepot } from '../support/entrepot.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const DURATION_MS = Number(process.env.ENTREPOT_CHURN_MS ?? 3000)
const SEED = Number(process.env.ENTREPOT_CHURN_SEED ?? 1)
const GRACE_MS = 1500

it('nothing acknowledged is lost to pushes, pulls, deletes and collections, all at once', {
  timeout: DURATION_MS + 240_000,
}, async () => {
  const root = await makeQuickFolder()
  const entrepot = await startEntrepot({
    root,
    config: { storage: { delete: { enabled: true } } },
    collect: { everyMs: 250, graceMs: GRACE_MS },
  })
  try {
    const ask: Ask = (...request) => entrepot.ask(...request)
    const options = { ask, root, durationMs: DURATION_MS, graceMs: GRACE_MS, seed: SEED }
    const { pulled } = await churn(options)
    assert.ok(pulled > 0)
    assert.ok((await entrepot.metric('entrepot_collected_blobs_total')) > 0)
  } finally {
    await entrepot.stop()
    await rm(root, { recursive: true })
  }
})
