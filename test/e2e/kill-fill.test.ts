/**
 * `kill -9` in the middle of fills, again and again on one store. Each round begins two new fills, one of which stands
 * still at a random byte, and refills what the round before left. The kill comes when the one stands (so that its
 * partial has bytes to resume from) or at the moment when the client of the other has its last byte (while sync,
 * rename and link are under way).
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { type Content, seededContent } from '../support/bytes.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { draw } from './support/draw.ts'
import { type Entrepot, startEntrepot } from './support/entrepot.ts'
import { getPath } from './support/get.ts'
import { findPartials, inspectBlobs } from './support/store.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const ROUNDS = 25
const NAME = 'e2e/cargo'
const MIN_BYTES = 1_000_000
const MAX_BYTES = 6_000_000
/** A fill stands no nearer than this to either end: enough bytes that some are on disk, and some are missing. */
const MARGIN_BYTES = 300_000
const FILL_MS = 30_000

describe('entrepot survives kill -9 in the middle of 50 fills', { timeout: 240_000 }, () => {
  let workspace: Workspace
  let upstream: ScriptedUpstream
  const blobs: Content[] = []

  before(async () => {
    workspace = await makeWorkspace()
    upstream = await startScriptedUpstream({ redirect: {}, tokens: {} })
    workspace.defer(() => upstream.close())
    for (let i = 0; i < 2 * ROUNDS; i += 1) {
      const blob = seededContent(draw(`size ${i}`, MIN_BYTES, MAX_BYTES), `blob ${i}`)
      upstream.addBlob(NAME, blob)
      blobs.push(blob)
    }
  })
  after(() => workspace.remove())

  const start = (): Promise<Entrepot> =>
    startEntrepot(workspace, { sections: { proxy: { remoteurl: upstream.url } } })

  const askFor = ({ address }: Entrepot, { digest }: Content): Promise<IncomingMessage> =>
    getPath(address, `/v2/${NAME}/blobs/${digest}`)

  /** Reads to the end and checks the bytes. A connection that is cut is an error. */
  const readWhole = async (entrepot: Entrepot, blob: Content): Promise<void> => {
    const answer = await askFor(entrepot, blob)
    const bytes = await buffer(answer)
    assert.equal(answer.statusCode, 200, bytes.toString().slice(0, 1000))
    assert.equal(digestOf(bytes), blob.digest)
  }

  const requestsFor = ({ digest }: Content) =>
    upstream.requests.filter(({ kind, url }) => kind === 'cdn' && decodeURIComponent(url).includes(digest))

  /** Begins a fill that stands still at a random byte; resolves when bytes of it are on disk. */
  const beginStandingFill = async (entrepot: Entrepot, blob: Content): Promise<void> => {
    const hangAt = draw(blob.digest, MARGIN_BYTES, blob.sizeBytes - MARGIN_BYTES)
    const when = ({ url }: { url: string }) => decodeURIComponent(url).includes(blob.digest)
    const stands = upstream.fault('cdn', { hangAt, when })
    const answer = await askFor(entrepot, blob)
    answer.on('error', () => {})
    const [answered] = await Promise.all([once(answer, 'data'), stands.met])
    assert.ok(answered)
    answer.resume()
  }

  const runRound = async (round: number): Promise<void> => {
    const [standing, running] = [blobs[2 * round]!, blobs[2 * round + 1]!]
    const entrepot = await start()
    const refills = blobs
      .slice(Math.max(0, 2 * round - 2), 2 * round)
      .map((blob) => readWhole(entrepot, blob))
    const stands = beginStandingFill(entrepot, standing)
    const passed = readWhole(entrepot, running).catch((error: Error) => error)
    const isLate = draw(`moment ${round}`, 0, 2) === 1
    await Promise.all([...refills, stands, isLate ? passed : undefined])
    await entrepot.kill()
    await passed
    upstream.clearFaults()
    const { wrong } = await inspectBlobs(entrepot.rootDirectory)
    assert.deepEqual(wrong, [], `round ${round}`)
  }

  it('never leaves a blob under its final name that is not whole, and refills what is missing', async () => {
    for (let round = 0; round < ROUNDS; round += 1) await runRound(round)
  })

  it('resumes what stood on disk with a Range', () => {
    const standing = blobs.filter((_, i) => i % 2 === 0).slice(0, -1)
    for (const blob of standing) {
      const ranges = requestsFor(blob).map(({ headers }) => headers.range)
      assert.match(ranges[1] ?? 'no second request', /^bytes=[1-9]\d*-/, blob.digest)
    }
  })

  it('has all blobs in the end, and no partial', async () => {
    const entrepot = await start()
    for (const blob of blobs) await readWhole(entrepot, blob)
    await waitUntil(
      'no partial',
      async () => (await findPartials(entrepot.rootDirectory)).length === 0,
      FILL_MS,
    )
    const { digests, wrong } = await inspectBlobs(entrepot.rootDirectory)
    assert.deepEqual(wrong, [])
    assert.deepEqual(new Set(digests), new Set(blobs.map(({ digest }) => digest)))
    await entrepot.stop()
  })
})
