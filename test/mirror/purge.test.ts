/** Purges of a running mirror: what goes, what stays, and what clients notice. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { after, afterEach, before, beforeEach, describe, it, type TestContext } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { ALICE, BOB, writeAccounts } from '../http/accounts.ts'
import { Pusher } from '../http/pusher.ts'
import { openAdmin, type TestAdmin } from '../support/admin.ts'
import { seededContent } from '../support/bytes.ts'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage, makeIndex, type TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const DAY_MS = 86_400_000

describe('a purge', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let admin: TestAdmin
  let nowMs: number

  before(async () => {
    hub = await startScriptedUpstream()
  })
  after(() => hub.close())

  beforeEach(async () => {
    nowMs = Date.now()
    entrepot = await startEntrepot({
      upstream: hub,
      now: () => nowMs,
      config: { cache: { prefetch: false }, local: { repositories: ['team/**'], push: 'anyone' } },
    })
    admin = await openAdmin(entrepot)
  })
  afterEach(() => entrepot.stop())

  /** Pulls an image as a client does, and lets it be stored. */
  const pull = async (name: string, reference: string, image: TestImage): Promise<void> => {
    const { status } = await entrepot.get(`/v2/${name}/manifests/${reference}`)
    assert.equal(status, 200)
    for (const blob of [image.config, ...image.layers]) {
      const answer = await entrepot.get(`/v2/${name}/blobs/${blob.digest}`)
      assert.equal(answer.status, 200)
    }
    await entrepot.settle()
  }

  const addAndPull = async (name: string, tag: string, image: TestImage): Promise<void> => {
    hub.addImage(name, tag, image)
    await pull(name, tag, image)
  }

  const sizeOf = ({ manifest, config, layers }: TestImage): number =>
    [config, ...layers].reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.bytes.length)

  it('of a tag frees what its dry run and its own bytes said, and the next pull fetches it again', async () => {
    const image = makeImage({ seed: 'tag' })
    await addAndPull('app/tag', '1', image)
    const { tags } = await admin.call('describeRepository', { parameters: { repository: 'app/tag' } })
    const dry = await admin.call('purge', { body: { repository: 'app/tag', tag: '1', dryRun: true } })
    const purged = await admin.call('purge', { body: { repository: 'app/tag', tag: '1' } })
    assert.deepEqual(purged, { ...dry, isDryRun: false })
    assert.equal(purged.bytes, sizeOf(image))
    assert.equal(tags[0]?.ownBytes, purged.bytes)
    assert.deepEqual([purged.repositories, purged.tags, purged.manifests, purged.blobs], [1, 1, 1, 3])
    assert.deepEqual(purged.items, [
      { repository: 'app/tag', tag: '1' },
      { repository: 'app/tag', digest: image.manifest.digest },
    ])
    hub.resetCounts()
    await pull('app/tag', '1', image)
    assert.deepEqual([hub.counts.manifest, hub.counts.blob], [1, 3])
  })

  it('of one repository frees nothing that another has as well', async () => {
    const layers = [seededContent(40_000, 'shared'), seededContent(30_000, 'own')]
    await addAndPull('app/one', '1', makeImage({ seed: 'one', layers }))
    await addAndPull('app/two', '1', makeImage({ seed: 'two', layers: layers.slice(0, 1) }))
    const one = makeImage({ seed: 'one', layers })
    const { bytes } = await admin.call('purge', { body: { repository: 'app/one' } })
    assert.equal(bytes, sizeOf(one) - 40_000)
    hub.resetCounts()
    const shared = await entrepot.get(`/v2/app/two/blobs/${layers[0]?.digest}`)
    assert.equal(shared.body.length, 40_000)
    assert.equal(hub.counts.blob, 0)
    await admin.refuse('describeRepository', { parameters: { repository: 'app/one' } }, 404, 'NAME_UNKNOWN')
  })

  it('of everything frees what is shared once, and leaves what is local', async () => {
    const layers = [seededContent(40_000, 'both')]
    const [one, two] = [makeImage({ seed: 'all-1', layers }), makeImage({ seed: 'all-2', layers })]
    await addAndPull('all/one', '1', one)
    await addAndPull('all/two', '1', two)
    const pushed = makeImage({ seed: 'pushed' })
    await new Pusher(entrepot).image('team/app', '1', pushed)
    const dry = await admin.call('purge', { body: { all: true, dryRun: true } })
    const purged = await admin.call('purge', { body: { all: true } })
    assert.deepEqual(purged, { ...dry, isDryRun: false })
    assert.equal(purged.bytes, sizeOf(one) + sizeOf(two) - 40_000)
    assert.equal((await entrepot.get('/v2/team/app/manifests/1')).status, 200)
    const { repositories } = await admin.call('listRepositories')
    assert.deepEqual(
      repositories.map(({ name }) => name),
      ['team/app'],
    )
  })

  it('leaves the bytes that a local repository has, too', async () => {
    const image = makeImage({ seed: 'local-too' })
    await addAndPull('app/local-too', '1', image)
    await new Pusher(entrepot).image('team/local-too', '1', image)
    const { bytes, manifests } = await admin.call('purge', { body: { repository: 'app/local-too' } })
    assert.deepEqual([bytes, manifests], [0, 1])
    for (const { digest } of image.layers)
      assert.equal((await entrepot.get(`/v2/team/local-too/blobs/${digest}`)).status, 200)
  })

  it('does not disturb a client in the middle of a blob', async () => {
    const layer = seededContent(24 * 1024 * 1024, 'slow')
    const image = makeImage({ seed: 'slow', layers: [layer] })
    await addAndPull('app/slow', '1', image)
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${entrepot.url}/v2/app/slow/blobs/${layer.digest}`, resolve).once('error', reject).end()
    })
    // Nothing is read yet: all that fits in the buffers of the two ends has been sent, and the rest waits.
    const { bytes } = await admin.call('purge', { body: { repository: 'app/slow', tag: '1' } })
    assert.equal(bytes, sizeOf(image))
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk as Buffer)
    assert.equal(digestOf(Buffer.concat(chunks)), layer.digest)
    hub.resetCounts()
    assert.equal((await entrepot.get(`/v2/app/slow/blobs/${layer.digest}`)).status, 200)
    assert.equal(hub.counts.blob, 1)
  })

  it('does not disturb a fetch, whose content is there afterwards', async () => {
    const layer = seededContent(2 * 1024 * 1024, 'fetching')
    hub.addImage('app/fetching', '1', makeImage({ seed: 'fetching', layers: [layer] }))
    await entrepot.get('/v2/app/fetching/manifests/1')
    const stall = hub.fault('blob', { hangAt: 1024 * 1024 })
    const pulled = entrepot.get(`/v2/app/fetching/blobs/${layer.digest}`)
    await stall.met
    const [fetch] = (await admin.call('listFetches')).fetches
    assert.deepEqual([fetch?.digest, fetch?.repository], [layer.digest, 'app/fetching'])
    await admin.call('purge', { body: { all: true } })
    stall.release()
    assert.equal(digestOf((await pulled).body), layer.digest)
    await entrepot.settle()
    hub.resetCounts()
    await entrepot.get('/v2/app/fetching/manifests/1')
    assert.equal(digestOf((await entrepot.get(`/v2/app/fetching/blobs/${layer.digest}`)).body), layer.digest)
    assert.equal(hub.counts.blob, 0)
  })

  it('leaves what is pinned, unless it is named itself', async () => {
    const image = makeImage({ seed: 'pinned' })
    await addAndPull('app/pinned', '1', image)
    await admin.call('pin', { body: { repository: 'app/pinned', reference: '1' } })
    assert.deepEqual((await admin.call('listPins')).pins, [{ repository: 'app/pinned', reference: '1' }])
    const { bytes } = await admin.call('purge', { body: { pattern: 'app/*' } })
    assert.equal(bytes, 0)
    const { tags } = await admin.call('describeRepository', { parameters: { repository: 'app/pinned' } })
    assert.deepEqual([tags[0]?.isPinned, tags[0]?.ownBytes], [true, sizeOf(image)])
    const named = await admin.call('purge', { body: { repository: 'app/pinned', tag: '1' } })
    assert.equal(named.bytes, sizeOf(image))
    await admin.call('unpin', { body: { repository: 'app/pinned', reference: '1' } })
    assert.deepEqual((await admin.call('listPins')).pins, [])
  })

  it('of what is unused leaves what was used or has come since', async () => {
    const [old, used] = [makeImage({ seed: 'old' }), makeImage({ seed: 'used' })]
    // The file system has a clock of its own, which says when something came.
    nowMs = Date.now()
    await addAndPull('app/unused', 'old', old)
    await addAndPull('app/unused', 'used', used)
    nowMs += 10 * DAY_MS
    await pull('app/unused', 'used', used)
    const { tags, bytes } = await admin.call('purge', { body: { all: true, unusedFor: '7d' } })
    assert.deepEqual([tags, bytes], [1, sizeOf(old)])
    const left = await admin.call('describeRepository', { parameters: { repository: 'app/unused' } })
    assert.deepEqual(
      left.tags.map(({ tag }) => tag),
      ['used'],
    )
  })

  it('of a tag of an index takes its platforms, and not what another tag needs', async () => {
    const [amd, arm] = [makeImage({ seed: 'amd' }), makeImage({ seed: 'arm' })]
    for (const image of [amd, arm]) hub.addImage('app/multi', undefined, image)
    const index = makeIndex([
      { image: amd, os: 'linux', architecture: 'amd64' },
      { image: arm, os: 'linux', architecture: 'arm64' },
    ])
    hub.addManifest('app/multi', 'both', index)
    await entrepot.get('/v2/app/multi/manifests/both')
    for (const image of [amd, arm]) await pull('app/multi', image.manifest.digest, image)
    hub.addImage('app/multi', 'amd', amd)
    await pull('app/multi', 'amd', amd)
    const { tags } = await admin.call('describeRepository', { parameters: { repository: 'app/multi' } })
    assert.deepEqual(tags.find(({ tag }) => tag === 'both')?.platforms, ['linux/amd64', 'linux/arm64'])
    const purged = await admin.call('purge', { body: { repository: 'app/multi', tag: 'both' } })
    assert.equal(purged.bytes, sizeOf(arm) + index.bytes.length)
    assert.equal(purged.manifests, 2)
  })

  it('takes by upstream, and by a blob alone', async () => {
    const image = makeImage({ seed: 'upstream' })
    await addAndPull('app/upstream', '1', image)
    const { upstreams } = await admin.call('status')
    const { digest, sizeBytes } = image.layers[0] ?? assert.fail('no layer')
    const blob = await admin.call('purge', { body: { repository: 'app/upstream', digest } })
    assert.deepEqual([blob.bytes, blob.blobs, blob.manifests], [sizeBytes, 1, 0])
    const none = await admin.call('purge', { body: { upstream: 'elsewhere.example' } })
    assert.equal(none.bytes, 0)
    const all = await admin.call('purge', { body: { upstream: upstreams[0]?.name ?? '' } })
    assert.equal(all.bytes, sizeOf(image) - sizeBytes)
  })

  it('refuses what is local, what is not here, and a wish that says nothing', async () => {
    await new Pusher(entrepot).image('team/refused', '1', makeImage({ seed: 'refused' }))
    await addAndPull('app/refused', '1', makeImage({ seed: 'refused' }))
    const local = await admin.refuse('purge', { body: { repository: 'team/refused' } }, 409, 'DENIED')
    assert.match(local, /DELETE \/v2\/team\/refused/)
    await admin.refuse('purge', { body: { repository: 'app/none' } }, 404, 'NAME_UNKNOWN')
    await admin.refuse('purge', { body: { repository: 'app/refused', tag: '2' } }, 404, 'MANIFEST_UNKNOWN')
    for (const body of [{}, { dryRun: true }, { tag: '1' }, { all: true, tag: '1' }])
      await admin.refuse('purge', { body }, 400, 'UNSUPPORTED')
    const digest = `sha256:${'0'.repeat(64)}`
    await admin.refuse('purge', { body: { repository: 'app/refused', tag: '1', digest } }, 400, 'UNSUPPORTED')
  })
})

describe('a DELETE of what is mirrored', () => {
  let hub: ScriptedUpstream
  let folder: string

  before(async () => {
    hub = await startScriptedUpstream()
    folder = await makeFolder()
  })
  after(async () => {
    await hub.close()
    await rm(folder, { recursive: true })
  })

  /** Starts a mirror that has an image, and stops it when the test has ended. */
  const startWith = async (config: Record<string, unknown>, test: TestContext) => {
    const image = hub.addImage('app/gone', '1')
    const entrepot = await startEntrepot({ upstream: hub, config })
    test.after(() => entrepot.stop())
    assert.equal((await entrepot.get('/v2/app/gone/manifests/1', { Authorization: ALICE })).status, 200)
    await entrepot.settle()
    return { entrepot, path: `/v2/app/gone/manifests/${image.manifest.digest}` }
  }

  const withAccounts = async () => ({
    auth: { htpasswd: { realm: 'test', path: await writeAccounts(folder) } },
    admin: { users: ['alice'] },
  })

  it('is a purge where deletes are on', async (test) => {
    const { entrepot, path } = await startWith({ storage: { delete: { enabled: true } } }, test)
    assert.equal((await entrepot.ask('DELETE', path)).status, 202)
    const { repositories } = await (await openAdmin(entrepot)).call('listRepositories')
    assert.deepEqual(repositories, [])
    assert.equal((await entrepot.ask('DELETE', path)).status, 404)
    assert.equal((await entrepot.get('/v2/app/gone/manifests/1')).status, 200)
  })

  it('of a tag takes what only the tag needs', async (test) => {
    const { entrepot } = await startWith({ storage: { delete: { enabled: true } } }, test)
    assert.equal((await entrepot.ask('DELETE', '/v2/app/gone/manifests/1')).status, 202)
    const { repositories } = await (await openAdmin(entrepot)).call('listRepositories')
    assert.deepEqual(repositories, [])
  })

  it('is a purge for an admin, though deletes are off', async (test) => {
    const { entrepot, path } = await startWith(await withAccounts(), test)
    assert.equal((await entrepot.ask('DELETE', path, { Authorization: ALICE })).status, 202)
  })

  it('is 405 for another account, and for everybody where deletes are off', async (test) => {
    const guarded = await startWith(await withAccounts(), test)
    const byBob = await guarded.entrepot.ask('DELETE', guarded.path, { Authorization: BOB })
    assert.equal(byBob.status, 405)
    const open = await startWith({}, test)
    assert.equal((await open.entrepot.ask('DELETE', open.path)).status, 405)
  })
})
