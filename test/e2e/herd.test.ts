/** Many clients, one cold blob: one download, and memory that does not grow with clients or sizes. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { bufferContent, seededBytes } from '../support/bytes.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { type Entrepot, startEntrepot } from './support/entrepot.ts'
import { getPath } from './support/get.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const CLIENTS = 32
const BLOB_BYTES = 100_000_000
const GROWTH_BYTES = 64 * 1024 * 1024
const NAME = 'e2e/herd'

describe('32 clients ask for one cold blob of 100 MB at once', { timeout: 120_000 }, () => {
  let workspace: Workspace
  let upstream: ScriptedUpstream
  let entrepot: Entrepot
  const bytes = seededBytes(BLOB_BYTES)
  const blob = bufferContent(bytes)
  const small = bufferContent(seededBytes(1000, 'small'))

  before(async () => {
    workspace = await makeWorkspace()
    upstream = await startScriptedUpstream({ redirect: {}, tokens: {} })
    workspace.defer(() => upstream.close())
    for (const each of [blob, small]) upstream.addBlob(NAME, each)
    entrepot = await startEntrepot(workspace, { sections: { proxy: { remoteurl: upstream.url } } })
  })
  after(() => workspace.remove())

  /** How many bytes came, all of them right. */
  const read = async (digest: string, expected: Buffer): Promise<number> => {
    let at = 0
    const answer = await getPath(entrepot.address, `/v2/${NAME}/blobs/${digest}`)
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      assert.ok(chunk.equals(expected.subarray(at, at + chunk.length)), `wrong bytes after ${at}`)
      at += chunk.length
    }
    return at
  }

  it('and all get the right bytes, the upstream is asked once, and memory grows by less than 64 MiB', async () => {
    await read(small.digest, seededBytes(1000, 'small'))
    const beforeBytes = await entrepot.peakResidentBytes()
    upstream.resetCounts()
    const lengths = await Promise.all(Array.from({ length: CLIENTS }, () => read(blob.digest, bytes)))
    assert.deepEqual(new Set(lengths), new Set([BLOB_BYTES]))
    assert.equal(upstream.counts.blob, 1)
    assert.equal(upstream.counts.cdn, 1)
    const growthBytes = (await entrepot.peakResidentBytes()) - beforeBytes
    assert.ok(growthBytes < GROWTH_BYTES, `memory grew by ${Math.round(growthBytes / 1024 / 1024)} MiB`)
  })
})
